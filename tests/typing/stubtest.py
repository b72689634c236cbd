"""Compare `stubs/h11` with h11 itself, which has to be installed: ``python -m tests.typing.stubtest``.

It is mypy's stubtest, made to look behind the re-exports: by itself it leaves out what another module of the build
defines, and everything in these stubs is http11's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mypy import stubtest
from mypy.options import Options

ROOT = Path(__file__).parent.parent.parent
build_stubs = stubtest.build_stubs


def build_and_forget(modules: list[str], options: Options, find_submodules: bool = False) -> list[str]:
    found = build_stubs(modules, options, find_submodules)
    for module in [module for module in stubtest._all_stubs if module.partition(".")[0] == "http11"]:
        del stubtest._all_stubs[module]
    return found


if __name__ == "__main__":
    os.environ["MYPYPATH"] = os.pathsep.join([str(ROOT / "stubs"), str(ROOT / "src")])
    stubtest.build_stubs = build_and_forget
    allowlist = Path(__file__).with_name("h11-allowlist.txt")
    sys.exit(stubtest.test_stubs(stubtest.parse_options(["h11", "--concise", "--allowlist", str(allowlist)])))
