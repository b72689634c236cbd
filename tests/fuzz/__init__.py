"""Coverage-guided fuzzing: ``python -m tests.fuzz --minutes 10``. See `tests.fuzz.__main__`.

A target (`reading`, `sending` or `sections`) decodes an input into a case of the property tests, and asks their
properties of it. `tests/test_fuzz.py` does the same with the inputs of `corpus/`, without a fuzzer.
"""
