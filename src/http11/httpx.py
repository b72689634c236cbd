"""httpx on http11: ``httpx.Client(transport=http11.httpx.HTTPTransport())``.

The transports are httpx's own, on a connection pool of httpcore's that is on http11. Give them `verify`, `cert`,
`trust_env`, `http1`, `http2`, `limits` and `proxy`: the client ignores its own once it has a transport.

``import h11`` is h11 itself for everybody else: see `http11.plugs`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from importlib.util import find_spec
from types import ModuleType
from typing import Final, TypeAlias, TypedDict, Unpack

from http11.plugs import Plug, Release, require
from http11.policy import STRICT, Policy

OLDEST: Final[Release] = (0, 27)
NEWEST: Final[Release] = (0, 28)
HTTPCORE: Final[Release] = (1, 0)

require("httpx", "httpx", OLDEST, NEWEST)
require("httpx", "httpcore", HTTPCORE, HTTPCORE)

import httpx  # noqa: E402 - only once it is known to be there

__all__ = ["AsyncHTTPTransport", "HTTPTransport", "Options"]

_SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Options(TypedDict, total=False):
    """The arguments of httpx's transports."""

    verify: ssl.SSLContext | str | bool
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    trust_env: bool
    http1: bool
    http2: bool
    limits: httpx.Limits
    proxy: httpx.URL | str | httpx.Proxy | None
    uds: str | None
    local_address: str | None
    retries: int
    socket_options: Iterable[_SocketOption] | None


class HTTPTransport(httpx.HTTPTransport):
    """httpx's transport, on http11.

    Args:
        policy: What its connections tolerate.
        options: What `httpx.HTTPTransport` takes, by keyword.

    """

    def __init__(self, *, policy: Policy = STRICT, **options: Unpack[Options]) -> None:
        # Its `__init__` makes the pool, and nothing else in it does.
        _transports(policy).HTTPTransport.__init__(self, **options)


class AsyncHTTPTransport(httpx.AsyncHTTPTransport):
    """httpx's asynchronous transport, on http11.

    Args:
        policy: What its connections tolerate.
        options: What `httpx.AsyncHTTPTransport` takes, by keyword.

    """

    def __init__(self, *, policy: Policy = STRICT, **options: Unpack[Options]) -> None:
        _transports(policy).AsyncHTTPTransport.__init__(self, **options)


# Without socksio, httpcore does without the last of them.
_PARTS: Final = (
    *("http11", "connection", "connection_pool", "http_proxy"),
    *(("socks_proxy",) if find_spec("socksio") is not None else ()),
)
_TRANSPORTS: Final = "httpx._transports.default"

_plug: Final = Plug(
    __name__,
    [
        *(f"httpcore._sync.{part}" for part in _PARTS),
        "httpcore._sync",
        *(f"httpcore._async.{part}" for part in _PARTS),
        "httpcore._async",
        "httpcore",
        _TRANSPORTS,
    ],
)


def _transports(policy: Policy) -> ModuleType:
    return _plug.copies(policy)[_TRANSPORTS]
