"""gunicorn with uvicorn's worker on http11: ``gunicorn -k http11.gunicorn.Worker app:app``.

It is the worker of the package ``uvicorn-worker``, with `http11.uvicorn.HTTP11Protocol`.
"""

from __future__ import annotations

from typing import Final

from http11.plugs import Release, require

UVICORN_WORKER: Final[Release] = (0, 4)

require("gunicorn", "uvicorn-worker", UVICORN_WORKER, UVICORN_WORKER)

# Only once it is known to be there. It has no types.
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]  # noqa: E402

__all__ = ["Worker"]


class Worker(UvicornWorker):  # type: ignore[misc, no-any-unimported]
    """uvicorn's worker, on http11, under `STRICT`.

    For another policy, make a worker like this one that names another class, made by `http11.uvicorn.protocol`.
    """

    # Nobody changes it; in the base class, no `ClassVar` says so.
    CONFIG_KWARGS: dict[str, object] = {**UvicornWorker.CONFIG_KWARGS, "http": "http11.uvicorn:HTTP11Protocol"}  # noqa: RUF012
