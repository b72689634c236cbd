"""http11 against parsers that we did not write: h11, on every event; and llhttp, by httptools, on what it must accept.

`python -m tests.differential --minutes 30` searches for longer than the tests do.
"""
