"""uvicorn on http11, by an import string: ``uvicorn app:app --http http11.uvicorn:HTTP11Protocol``.

That holds for each process that uvicorn starts, with ``--workers`` and ``--reload`` as well, and for
``uvicorn.Config(app, http="http11.uvicorn:HTTP11Protocol")``. `HTTP11Protocol` is `STRICT`; for another policy, name a
class of your own:

    from http11 import H11
    from http11.uvicorn import protocol

    Tolerant = protocol(H11)

``import h11`` is h11 itself for everybody else: see `http11.plugs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from http11.plugs import Plug, Release, require
from http11.policy import STRICT, Policy

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HTTP11Protocol", "protocol"]

OLDEST: Final[Release] = (0, 44)
NEWEST: Final[Release] = (0, 54)

_MODULE: Final = "uvicorn.protocols.http.h11_impl"

require("uvicorn", "uvicorn", OLDEST, NEWEST)
_plug: Final = Plug(__name__, [_MODULE])


def protocol(policy: Policy) -> type[H11Protocol]:
    """Return uvicorn's protocol class for HTTP/1.1, on http11.

    Args:
        policy: What its connections tolerate.

    Raises:
        ImportError: uvicorn's source is not there.

    """
    found: type[H11Protocol] = _plug.copies(policy)[_MODULE].H11Protocol
    return found


if TYPE_CHECKING:
    _Protocol = H11Protocol
else:
    _Protocol = protocol(STRICT)


class HTTP11Protocol(_Protocol):
    """What to give to uvicorn as ``http``: its own protocol class on http11, under `STRICT`."""
