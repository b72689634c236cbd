"""What Python executes first in each process that a program starts under ``python -m http11 run-as-h11``.

For that, this directory is at the front of PYTHONPATH there.
"""

import os
import sys
from importlib import import_module

# Another module of this name, which this one hides, has its turn in the end.
sys.path.remove(os.path.dirname(__file__))  # noqa: PTH120 - it is a str, as all in there
_this = sys.modules.pop(__name__)

try:
    _substitution = import_module("http11.substitution")
except ImportError as _error:
    # Another environment, maybe, in which nobody may need h11 either; but who does should know.
    print(f"http11: no http11 in h11's place in {sys.executable}, a child process: {_error}", file=sys.stderr)
else:
    _substitution.join()

try:
    import_module(__name__)
except ModuleNotFoundError as _error:
    if _error.name != __name__:
        raise
    sys.modules[__name__] = _this
