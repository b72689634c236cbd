"""hypercorn on http11: ``python -m http11.hypercorn app:app``, with the options of ``hypercorn``.

hypercorn's protocol classes cannot be named in its configuration, so its command has a counterpart here, and so have
`hypercorn.run.run` and the two `serve`. Each worker process serves with http11, whatever the worker class, with
``--reload`` as well. Its HTTP/2 is as it was, and so is what wsproto does after an Upgrade.

The configuration may say what is tolerated: ``http11_policy = "h11"`` in a TOML file, or any `http11.Policy` as the
attribute `http11_policy` of a `hypercorn.Config` or of what ``--config python:...`` names.

``import h11`` is h11 itself for everybody else: see `http11.plugs`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

from http11.plugs import Plug, Release, require
from http11.policy import H11, STRICT, Policy

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from hypercorn.config import Config, Sockets
    from hypercorn.typing import Framework

__all__ = ["main", "run", "serve", "serve_on_trio"]

OLDEST: Final[Release] = (0, 17)
NEWEST: Final[Release] = (0, 18)

require("hypercorn", "hypercorn", OLDEST, NEWEST)

_POLICIES: Final[Mapping[object, Policy]] = {"strict": STRICT, "h11": H11}
_LOOPS: Final = ("asyncio", *(("trio",) if find_spec("trio") is not None else ()))

_servers: Final = Plug(
    __name__,
    [
        *("hypercorn.protocol.h11", "hypercorn.protocol"),
        *(f"hypercorn.{loop}{module}" for loop in _LOOPS for module in (".tcp_server", ".run", "")),
    ],
)
# It has the workers from here, whose names another process can look up.
_command: Final = Plug(
    __name__,
    ["hypercorn.run", "hypercorn.__main__"],
    {"hypercorn.asyncio.run": __name__, "hypercorn.trio.run": __name__},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``hypercorn``, and return its exit status.

    Args:
        arguments: Those of the command; by default, those of the process.

    """
    status: int = _command.copies(STRICT)["hypercorn.__main__"].main(arguments)
    return status


def run(config: Config) -> int:
    """Serve as `hypercorn.run.run` does, in as many processes as `config` says, and return the exit status."""
    status: int = _command.copies(STRICT)["hypercorn.run"].run(config)
    return status


async def serve(  # type: ignore[explicit-any]  # in hypercorn's `Framework`
    app: Framework,
    config: Config,
    *,
    shutdown_trigger: Callable[..., Awaitable[object]] | None = None,
    mode: Literal["asgi", "wsgi"] | None = None,
) -> None:
    """Serve as `hypercorn.asyncio.serve` does."""
    await _module("hypercorn.asyncio", config).serve(app, config, shutdown_trigger=shutdown_trigger, mode=mode)


async def serve_on_trio(  # type: ignore[explicit-any]
    app: Framework,
    config: Config,
    *,
    shutdown_trigger: Callable[..., Awaitable[object]] | None = None,
    mode: Literal["asgi", "wsgi"] | None = None,
) -> None:
    """Serve as `hypercorn.trio.serve` does."""
    await _module("hypercorn.trio", config).serve(app, config, shutdown_trigger=shutdown_trigger, mode=mode)


def asyncio_worker(config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None) -> None:
    """Be a worker of the class ``asyncio``."""
    _module("hypercorn.asyncio.run", config).asyncio_worker(config, sockets, shutdown_event)


def uvloop_worker(config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None) -> None:
    """Be a worker of the class ``uvloop``."""
    _module("hypercorn.asyncio.run", config).uvloop_worker(config, sockets, shutdown_event)


def trio_worker(config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None) -> None:
    """Be a worker of the class ``trio``."""
    _module("hypercorn.trio.run", config).trio_worker(config, sockets, shutdown_event)


def _module(name: str, config: Config) -> ModuleType:
    said: object = getattr(config, "http11_policy", STRICT)
    policy = said if isinstance(said, Policy) else _POLICIES.get(said)
    if policy is None:
        raise ValueError(f"expected a Policy, 'strict' or 'h11' as http11_policy, got {said!r}")
    return _servers.copies(policy)[name]


if __name__ == "__main__":
    sys.exit(main())
