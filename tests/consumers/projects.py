"""The projects, what is run of them, and what must come out: each test that is lost, and why its users want it so."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

PolicyName: TypeAlias = Literal["h11", "strict"]


@attrs.frozen(kw_only=True)
class Environment:
    """What is installed for some projects, beside http11.

    Attributes:
        requirements: For pip. All that decides what a test does is pinned; what they depend on in turn is not.
        oldest: The oldest Python that they run on.

    """

    requirements: tuple[str, ...]
    oldest: tuple[int, int] = (3, 11)


# To unpack the source distributions.
BUILDING: Final = (
    "hatch-fancy-pypi-readme==25.1.0",
    "hatchling==1.33.0",
    "pdm-backend==2.5.0",
    "setuptools==84.2.1",
)
REQUIREMENTS: Final = (
    *BUILDING,
    "attrs==26.1.0",
    # the projects themselves, and what they share
    "h11==0.16.0",
    "h2==4.4.1",
    "httpcore2==2.16.2",
    "httpcore[asyncio,http2,socks,trio]==1.0.9",
    "httptools==0.9.0",
    "httpx2==2.16.2",
    "httpx[brotli,cli,http2,socks,zstd]==0.28.1",
    "hypercorn==0.18.0",
    "trio-websocket==0.12.2",
    "trio==0.35.0",
    "uvicorn[standard]==0.54.0",
    "websockets==17.4",
    "wsproto==1.3.2",
    # for their tests
    "a2wsgi==1.10.10",
    "chardet==7.7.0",
    "cryptography==50.0.2",
    "hypothesis==6.170.15",
    "psutil==7.2.2",
    "pytest-asyncio==1.5.0",
    "pytest-httpbin==2.1.0",
    "pytest-mock==3.15.1",
    "pytest-trio==0.8.0",
    "pytest-xdist==3.8.0",
    "pytest==9.1.1",
    "trustme==1.2.1",
)
SHARED: Final = Environment(requirements=REQUIREMENTS)
CLIENTS: Final = Environment(
    requirements=(
        *REQUIREMENTS,
        "httpx-ws==0.9.0",
        "pytest-timeout==2.4.0",
        "starlette==1.10.0",
        "vcrpy==9.4.2",
    )
)
# urllib3-future takes the place of urllib3, which others need.
NIQUESTS: Final = Environment(
    requirements=(
        *BUILDING,
        "h11==0.16.0",
        "niquests==3.21.2",
        "requests==2.34.2",
        "urllib3-future==2.25.904",
        # for its tests
        "aiofile==3.12.3",
        "brotli==1.2.1",
        "coverage==7.17.5",
        "cryptography==50.0.2",
        "pytest-asyncio==1.5.0",
        "pytest-rerunfailures==16.7",
        "pytest-timeout==2.4.0",
        "pytest==9.1.1",
        "python-socks==3.2.1",
        "tornado==6.6.1",
        "trustme==1.2.1",
        "wsproto==1.3.2",
        "zstandard==0.25.0",
    )
)
# mitmproxy pins what it depends on, otherwise than the others do.
MITMPROXIES: Final = Environment(
    requirements=(
        "h11==0.16.0",
        "mitmproxy==12.2.3",
        # for its tests
        "hypothesis==6.170.17",
        "pytest-asyncio==1.2.0",
        "pytest-timeout==2.4.0",
        "pytest==8.4.2",
        "requests==2.34.2",
    ),
    oldest=(3, 12),
)


@attrs.frozen(kw_only=True)
class Repository:
    """Where the tests are of a project that publishes none on the package index.

    Attributes:
        url: Of the git repository.
        commit: The one that the version was made of.
        paths: What is needed of it.

    """

    url: str
    commit: str
    paths: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Loss:
    """Tests that pass with h11 and not with http11.

    Attributes:
        tests: Their names; what stands in brackets at the end may be left out.
        policies: Under which policies they are lost.
        why: The row of the strictness table, or the decision, and why its users want it so.

    """

    tests: tuple[str, ...]
    policies: tuple[PolicyName, ...] = ("h11", "strict")
    why: str


@attrs.frozen(kw_only=True)
class Edit:
    """What is changed in a project's tests before they run, with h11 as with http11."""

    old: str
    new: str


@attrs.frozen(kw_only=True)
class Project:
    """A source distribution, or a repository, and the tests in it that reach HTTP/1.1.

    Attributes:
        name: Its name and version, as its source distribution is called.
        environment: What is installed for it.
        repository: Where its tests are, if they are not in a source distribution.
        tests: What pytest is to run.
        options: Further options of pytest.
        passed: How many tests that make a connection pass with h11 itself.
        losses: Those of them that do not pass with http11.
        at_once: Whether it may be run several times at once, since it listens on free ports only.
        all_tests: Whether tests count that make no connection.
        edits: What has to be changed in the tests.

    """

    name: str
    environment: Environment = SHARED
    repository: Repository | None = None
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()
    passed: int
    losses: tuple[Loss, ...] = ()
    at_once: bool = False
    all_tests: bool = False
    edits: tuple[Edit, ...] = ()


UVICORN: Final = Project(
    name="uvicorn-0.54.0",
    tests=(
        "tests/protocols/test_websocket.py",
        "tests/protocols/test_http.py",
        "tests/middleware",
        "tests/test_default_headers.py",
        "tests/test_server.py",
        "tests/test_ssl.py",
        "tests/test_main.py",
        "tests/supervisors/test_signal.py",
    ),
    # Without those of its own: a worker process would keep its outcomes to itself.
    options=("-o", "addopts="),
    passed=349,
    losses=(
        Loss(
            tests=("tests/protocols/test_http.py::test_huge_headers_h11_max_incomplete",),
            policies=("strict",),
            why="LN-5: the head is longer than the limit that the test sets. h11 lets it in since its last part comes "
            "in one piece; had the network cut it, h11 would refuse it too",
        ),
    ),
    at_once=True,
)

HTTPCORE: Final = Project(
    name="httpcore-1.0.9",
    tests=("tests",),
    passed=140,
    losses=(
        Loss(
            tests=(
                "tests/_async/test_http11.py::test_http11_connection_with_local_protocol_error",
                "tests/_sync/test_http11.py::test_http11_connection_with_local_protocol_error",
            ),
            why="it compares the text of the error, which in h11 has the field's value in it. The same error is "
            "raised; its text never has a value, which may be a credential",
        ),
    ),
)

HYPERCORN: Final = Project(
    name="hypercorn-0.18.0",
    tests=("tests",),
    options=("-o", "addopts="),
    passed=38,
)

WSPROTO: Final = Project(name="wsproto-1.3.2", tests=("tests",), passed=47)

TRIO_WEBSOCKET: Final = Project(
    name="trio_websocket-0.12.2",
    tests=("tests",),
    # Its pytest.ini is not in the source distribution.
    options=("-o", "trio_mode=true"),
    passed=53,
)

HTTPX: Final = Project(name="httpx-0.28.1", tests=("tests",), passed=64)

H11: Final = Project(
    name="h11-0.16.0",
    tests=(
        "tests_of_h11/test_against_stdlib_http.py",
        "tests_of_h11/test_connection.py",
        "tests_of_h11/test_events.py",
        "tests_of_h11/test_helpers.py",
    ),
    passed=36,
    losses=(
        Loss(
            tests=("tests_of_h11/test_connection.py::test_Connection_basics_and_content_length",),
            why="it has the string 'CLIENT' refused as a role; here roles are strings",
        ),
        Loss(
            tests=("tests_of_h11/test_connection.py::test_protocol_switch",),
            why="its CONNECT has content and another Host than its target: SD-1 by HO-5, and a CONNECT has no content",
        ),
        Loss(
            tests=("tests_of_h11/test_connection.py::test_empty_request",),
            policies=("strict",),
            why="LN-3: an empty line before a request is skipped",
        ),
        Loss(
            tests=("tests_of_h11/test_events.py::test_events",),
            why="SD-1 by FD-9: it makes a request with control bytes in a field's value",
        ),
    ),
    all_tests=True,
    edits=(
        # Its tests are a part of the package, and would bring h11 itself along.
        Edit(old="from ..", new="from h11."),
        # Two tests are of private functions, and fail with h11 too, once these are gone.
        Edit(old="_body_framing, _keep_alive, ", new=""),
        # A base class of the roles and states, for annotations only.
        Edit(old="RemoteProtocolError, Sentinel", new="RemoteProtocolError; Sentinel = type"),
        Edit(old="from h11._util import Sentinel", new="Sentinel = type"),
        Edit(old="print(c._cstate.states)", new="print(c.states)"),
    ),
)

# A test that hangs shall not hang the others.
_IN_TIME: Final = ("--timeout=60",)

HTTPX_WS: Final = Project(
    name="httpx_ws-0.9.0",
    environment=CLIENTS,
    tests=("tests",),
    options=("-o", "addopts=", *_IN_TIME),
    passed=114,
)

VCRPY: Final = Project(
    name="vcrpy-9.4.2",
    environment=CLIENTS,
    tests=(
        "tests/integration/test_httpx.py",
        "tests/integration/test_httpx2.py",
        "tests/integration/test_httpx_stream_cleanup.py",
    ),
    options=("-m", "not online", "-o", "asyncio_mode=auto", *_IN_TIME),
    passed=50,
)

_DUMMY: Final = "test/with_dummyserver"
URLLIB3_FUTURE: Final = Project(
    name="urllib3_future-2.25.904",
    environment=NIQUESTS,
    # Those that are written for asyncio are made of these.
    tests=tuple(
        f"{_DUMMY}/test_{name}.py"
        for name in (
            "chunked_transfer",
            "connection",
            "connectionpool",
            "poolmanager",
            "proxy_poolmanager",
            "socketlevel",
            "websocket_full_duplex",
        )
    ),
    # Without those that fail with h11 too where there is no route to an address, or that move gigabytes.
    options=("-k", "not timeout and not total_applies and not source_address and not large_resources", *_IN_TIME),
    passed=550,
    losses=(
        Loss(
            tests=(
                f"{_DUMMY}/test_proxy_poolmanager.py::TestHTTPProxyManager::test_cross_host_redirect_remove_headers_via_pool",
            ),
            why="SD-1 by HO-5: a request to a proxy has another Host than its target, after a redirect to another host",
        ),
        Loss(
            tests=(f"{_DUMMY}/test_socketlevel.py::TestSocketClosing::test_invalid_incoming_header",),
            why='it seeks the word "header" in the text of an error, which is http11\'s own, and says "field"',
        ),
    ),
)

MITMPROXY: Final = Project(
    name="mitmproxy-12.2.3",
    environment=MITMPROXIES,
    repository=Repository(
        url="https://github.com/mitmproxy/mitmproxy",
        commit="6c09d56e4c29a92f5ad01b03199977584b8ea14f",
        paths=("test", "pyproject.toml"),
    ),
    tests=("test/mitmproxy/proxy", "test/mitmproxy/net/http", "test/mitmproxy/test_http.py"),
    options=("-o", "addopts=", *_IN_TIME),
    passed=152,
)

PROJECTS: Final = (UVICORN, HTTPCORE, HYPERCORN, WSPROTO, TRIO_WEBSOCKET, HTTPX, H11)
FURTHER: Final = (HTTPX_WS, VCRPY, URLLIB3_FUTURE, MITMPROXY)
"""Those that need environments of their own: they run where they are named."""
