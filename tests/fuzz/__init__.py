"""Coverage-guided fuzzing: ``python -m tests.fuzz --minutes 10``. See `tests.fuzz.__main__`.

An input is decoded into a case (`reading`, `sending` or `sections`), the case is run, and every oracle of the target
looks at what came of it. `tests/test_fuzz.py` puts the inputs of `corpus/` through the same oracles, without a fuzzer.
"""
