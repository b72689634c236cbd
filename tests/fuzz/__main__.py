"""Fuzz the engine for a while: ``python -m tests.fuzz --minutes 10 [--target reading] [--seed 1]``.

Needs atheris (``python -m pip install --group fuzz``). What is found is explained, and written to a file
``finding-...``; the corpus under `tests/fuzz/corpus/` grows by the inputs that show something new. ``--replay FILE...``
checks single inputs; ``--minimize FOLDER...`` takes what a fuzzer has left there into the corpus.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, Target

LARGEST_INPUT: Final = 1024
# Pieces of HTTP, which no mutation of single bytes comes upon soon.
WORDS: Final = (
    b"\r\n", b"\r\n\r\n", b"\n\n", b" \t", b"x:\r\n y\r\n", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0",
    b"PRI * HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n", b"CONNECT a:1 ", b"OPTIONS * ", b"http://a", b"[::1]",
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 \r\n\r\n", b"HTTP/1.1 101 \r\n\r\n", b"HTTP/1.1 204 \r\n\r\n",
    b"Host: a\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Authorization: SECRET\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n",
    b"Expect: 100-continue\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b";a=b", b';a="b"',
    # Of the target `sending`.
    b"\xffQGET\xfe/\xfe\xfeHost\xfea", b"\xffS200\xfe\xfe", b"\xffS407\xfe\xfe", b"\xffI100\xfe\xfe", b"\xffE",
    b"\xffDhello", b"\xff<GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\xff<HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\xff<CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"\xff<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"\xfeContent-Length\xfe5", b"\xfeExpect\xfe100-continue", b"\xfeTransfer-Encoding\xfechunked",
)  # fmt: skip


def dictionary() -> str:
    """Spell the words as libFuzzer reads them."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in WORDS)


def fuzz(name: str, target: Target[Any], *, minutes: float, seed: int) -> bool:
    """Run the fuzzer, and let the corpus grow; tell whether it went without a finding."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        grown, begin = work / "grown", work / "begin"
        for folder in (grown, begin):
            folder.mkdir()
        known = [*corpus.inputs(name), *target.seeds()]
        for place, raw in enumerate(known):
            if len(raw) <= LARGEST_INPUT:
                (begin / str(place)).write_bytes(raw)
        (work / "words").write_text(dictionary(), "ascii")
        log = work / "log"
        with log.open("wb") as output:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.fuzz.engine", name, str(grown), str(begin)),
                    f"-max_total_time={round(60 * minutes)}",
                    f"-seed={seed}",
                    f"-max_len={LARGEST_INPUT}",
                    f"-dict={work / 'words'}",
                    f"-artifact_prefix=finding-{name}-",
                    "-print_final_stats=1",
                ],
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        text = log.read_text("utf-8", "replace")
        if done.returncode != 0:
            print(f"{name}: a finding, or a failure:\n{text[-4000:]}")
        figures = re.findall(r"cov: (\d+) ft: (\d+)", text)
        executed = re.search(r"number_of_executed_units: (\d+)", text)
        print(
            f"{name}: {executed[1] if executed else 'an unknown number of'} executions in {minutes:g} minutes, "
            f"seed {seed}, coverage and features {figures[-1] if figures else 'unknown'}"
        )
        take(name, target, [path.read_bytes() for path in grown.iterdir()])
    return done.returncode == 0


def take(name: str, target: Target[Any], found: Iterable[bytes]) -> None:
    """Take into the corpus what shows something new, and let go of what does not."""
    before = corpus.inputs(name)
    found = [raw for raw in (*target.seeds(), *found) if len(raw) <= LARGEST_INPUT]
    kept = list(corpus.minimized(before, found, target.shown))
    corpus.store(name, kept)
    print(f"{name}: {len(before)} inputs before, {len(kept)} now, {sum(map(len, kept))} bytes")


def replay(target: Target[Any], paths: Sequence[Path]) -> bool:
    right = True
    for path in paths:
        try:
            target.check(path.read_bytes())
        # A finding, whatever it is.
        except Exception:  # noqa: BLE001
            right = False
            print(f"{path}: {traceback.format_exc()}")
    return right


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=TARGETS, help="what is fuzzed (each target in turn)")
    parser.add_argument("--minutes", type=float, default=1, help="how long, for each target (1)")
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzer's choices (1)")
    parser.add_argument("--minimize", type=Path, nargs="*", metavar="FOLDER", help="only minimize the corpus")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="only check these inputs")
    options = parser.parse_args(arguments)
    chosen = {options.target: TARGETS[options.target]} if options.target else TARGETS
    if options.replay is not None or options.minimize is not None:
        if options.target is None:
            parser.error("--replay and --minimize need a --target")
        target = TARGETS[options.target]
        if options.replay is not None:
            return 0 if replay(target, options.replay) else 1
        found = [path.read_bytes() for folder in options.minimize for path in folder.iterdir()]
        take(options.target, target, found)
        return 0
    if find_spec("atheris") is None:
        print("atheris is not installed: python -m pip install --group fuzz", file=sys.stderr)
        return 2
    results = [fuzz(name, target, minutes=options.minutes, seed=options.seed) for name, target in chosen.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
