"""In h11's place: make ``import h11`` import http11, for code that is not yours to change.

    from http11.compat import install_as_h11

    install_as_h11()
    import uvicorn

Each name is http11's own, but for `Connection`, whose default policy is the one that was installed. So what such code
makes can be handed on as it is: an `h11.Request` is an `http11.Request`, and is pickled as one.

``python -m http11 run-as-h11`` does the same for a whole program.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import Lock
from types import ModuleType
from typing import ClassVar, Final, Literal, overload

from http11 import PRODUCT_ID, connection, events, headers, internals, states
from http11._runtime import RoleT_co
from http11.connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE
from http11.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from http11.policy import STRICT, Policy

__all__ = ["H11_VERSION", "Connection", "install_as_h11"]

H11_VERSION: Final = "0.16.0"
"""The version of h11 whose API this is, which is `h11.__version__` once http11 is installed as h11."""

# h11 looks at its limit as long as a head is incomplete, so what its users allow is without the empty line at the end.
_EMPTY_LINE: Final = len(b"\r\n")


class Connection(connection.Connection[RoleT_co]):
    """The `Connection` of h11's users: http11's own, with a default policy.

    Its instances have a ``__dict__``, like h11's, for attributes of the user's. As in h11, its limit does not count
    the empty line that ends a head, and a server does not add ``Connection: close`` only because the client has closed,
    has broken the protocol, or has not asked at all.

    Attributes:
        default_policy: The policy that was passed to `install_as_h11`.

    """

    default_policy: ClassVar[Policy] = STRICT

    def __init__(
        self,
        our_role: RoleT_co,
        max_incomplete_event_size: int = DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
        *,
        policy: Policy | None = None,
    ) -> None:
        _observers[-1]()
        chosen = self.default_policy if policy is None else policy
        # As an int, before anything is added: other types may overflow.
        super().__init__(our_role, operator.index(max_incomplete_event_size) + _EMPTY_LINE, policy=chosen)
        # The states end the connection as they do in h11, which leaves the field out, and its users compare.
        self._says_last = False

    @overload
    def next_event(self: Connection[Literal["CLIENT"]]) -> events.ServerEvent | events.Signal: ...
    @overload
    def next_event(self: Connection[Literal["SERVER"]]) -> events.ClientEvent | events.Signal: ...
    @overload
    def next_event(self) -> events.Event | events.Signal: ...
    def next_event(self) -> events.Event | events.Signal:
        """Do what http11's does; the error about a body that is cut short has the text of h11, and no `rule` in it.

        urllib3-future takes the numbers from that text, and others look for it.

        Raises:
            RemoteProtocolError: The peer has broken the protocol, now or before; `their_state` is `ERROR`.

        """
        try:
            return super().next_event()
        except RemoteProtocolError as error:
            if error.code == "body-cut-short":
                error.msg, error.rule, error.offset = internals.cut_short_text(error.msg), "", None
            raise


def observe(observer: Callable[[], object]) -> None:
    """Have `observer` called whenever a `Connection` of this module is made: ``run-as-h11`` counts who makes them."""
    _observers.append(observer)


def install_as_h11(policy: Policy = STRICT) -> None:
    """Make ``import h11`` import http11, from now on and in this process.

    Call it before anything imports h11. It cannot be undone, and does not reach child processes unless they are forked.
    Calling it again with the same policy has no effect.

    Args:
        policy: The default policy of connections that are made through h11.

    Raises:
        RuntimeError: h11 itself has been imported already, or another policy has been installed.

    """
    with _lock:
        if _finder in sys.meta_path:
            if policy != Connection.default_policy:
                raise RuntimeError("http11 is in h11's place already, with another policy: install it once")
            return
        before, ours = Connection.default_policy, False
        # Before the finder can be seen: another thread may import h11, and make a connection, as soon as it is.
        Connection.default_policy = internals.ChunkedReader.default_policy = policy
        # First, since h11 itself may be installed as well.
        sys.meta_path.insert(0, _finder)
        try:
            # Not a look into `sys.modules`: another thread may be about to import h11.
            ours = all(import_module(name).__loader__ is _finder for name in _PLACES)
        finally:
            if not ours:
                sys.meta_path.remove(_finder)
                for name in _PLACES:
                    module = sys.modules.get(name)
                    if module is not None and module.__loader__ is _finder:
                        del sys.modules[name]
                Connection.default_policy = internals.ChunkedReader.default_policy = before
        if not ours:
            raise RuntimeError(
                "h11 itself has been imported already: call install_as_h11() before anything that imports h11, "
                "or start the program with: python -m http11 run-as-h11"
            )


class _Finder(MetaPathFinder, Loader):
    """Finds and makes h11's modules."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface is Python's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname in _PLACES:
            spec = ModuleSpec(fullname, self, origin=__file__)
            spec.has_location = True
            # As packages, all of them: then `from h11._util import Sentinel` asks here too, and can be told why not.
            spec.submodule_search_locations = []
            return spec
        if fullname.startswith("h11."):
            # Without its `name`: the import system would make light of that.
            raise ModuleNotFoundError(
                f"http11 is in h11's place in this process, and has no counterpart for {fullname}: see docs/from-h11.md"
            )
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "http11, in h11's place: see http11.compat."
        for name, value in _PLACES[module.__name__].items():
            setattr(module, name, value)


_lock: Final = Lock()
_observers: Final[list[Callable[[], object]]] = [int]
_finder: Final = _Finder()

_CONNECTION: Final[Mapping[str, object]] = {
    "Connection": Connection,
    "NEED_DATA": events.NEED_DATA,
    "PAUSED": events.PAUSED,
}
_EVENTS: Final[Mapping[str, object]] = {
    "ConnectionClosed": events.ConnectionClosed,
    "Data": events.Data,
    "EndOfMessage": events.EndOfMessage,
    "Event": events.Event,
    "InformationalResponse": events.InformationalResponse,
    "Request": events.Request,
    "Response": events.Response,
}
_STATE: Final[Mapping[str, object]] = {
    "CLIENT": states.CLIENT,
    "CLOSED": states.CLOSED,
    "DONE": states.DONE,
    "ERROR": states.ERROR,
    "IDLE": states.IDLE,
    "MIGHT_SWITCH_PROTOCOL": states.MIGHT_SWITCH_PROTOCOL,
    "MUST_CLOSE": states.MUST_CLOSE,
    "SEND_BODY": states.SEND_BODY,
    "SEND_RESPONSE": states.SEND_RESPONSE,
    "SERVER": states.SERVER,
    "SWITCHED_PROTOCOL": states.SWITCHED_PROTOCOL,
}
_UTIL: Final[Mapping[str, object]] = {
    "LocalProtocolError": LocalProtocolError,
    "ProtocolError": ProtocolError,
    "RemoteProtocolError": RemoteProtocolError,
}
_ALL: Final[Mapping[str, object]] = {**_CONNECTION, **_EVENTS, **_STATE, **_UTIL}

# What is here is what stubs/h11 declares.
MODULES: Final[Mapping[str, Mapping[str, object]]] = {
    "h11": {
        **_ALL,
        "PRODUCT_ID": PRODUCT_ID,
        "__version__": H11_VERSION,
        # h11 leaves this one state out.
        "__all__": tuple(sorted(name for name in _ALL if name != "MIGHT_SWITCH_PROTOCOL")),
    },
    "h11._connection": {
        **_CONNECTION,
        "DEFAULT_MAX_INCOMPLETE_EVENT_SIZE": DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
        "__all__": list(_CONNECTION),
    },
    "h11._events": {**_EVENTS, "__all__": list(_EVENTS)},
    "h11._headers": {"Headers": headers.Headers},
    "h11._state": {**_STATE, "__all__": list(_STATE)},
    "h11._util": {**_UTIL, "__all__": list(_UTIL)},
    "h11._version": {"__version__": H11_VERSION},
}

# What is in none of h11's interfaces, and imported all the same.
_INTERNALS: Final[Mapping[str, Mapping[str, object]]] = {
    "h11._readers": {
        "ChunkedReader": internals.ChunkedReader,
        "ContentLengthReader": internals.ContentLengthReader,
        "Http10Reader": internals.Http10Reader,
    },
    "h11._receivebuffer": {"ReceiveBuffer": internals.ReceiveBuffer},
    "h11._state": {
        **MODULES["h11._state"],
        "ConnectionState": internals.ConnectionState,
        "_SWITCH_UPGRADE": internals.SWITCH_UPGRADE,
    },
}
_PLACES: Final = {**MODULES, **_INTERNALS}
