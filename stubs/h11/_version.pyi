from typing import Final

# h11's, not http11's, and no literal: a program may ask which version it runs on.
__version__: Final[str]
