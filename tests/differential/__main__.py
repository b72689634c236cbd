"""Search for differences for a while: ``python -m tests.differential --minutes 30 --seed 1 --peer h11``."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count

from tests.differential.search import PEERS, Tally

# So many cases meet each deliberate difference; one that is never met is not recognised, or is none any more.
ENOUGH = 300_000
# The numbers of two seeds are so far apart.
APART = 1 << 40
ROUND = 500


def main() -> int:
    """Search, and print what was found; fail for anything that nothing explains."""
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to search, with each peer (1)")
    parser.add_argument("--seed", type=int, default=0, help="which streams (0); the same ones for the same number")
    parser.add_argument("--peer", choices=list(PEERS), action="append", help="with whom (each)")
    options = parser.parse_args()
    minutes: float = options.minutes
    seed: int = options.seed
    peers: list[str] = options.peer or list(PEERS)
    return max([search(peer, minutes, seed) for peer in peers])


def search(peer: str, minutes: float, seed: int) -> int:
    """Search with one peer; return the exit code."""
    tally = Tally(peer)
    until = time.monotonic() + 60 * minutes
    for at in count(seed * APART, ROUND):
        told = len(tally.unexplained)
        tally.take(range(at, at + ROUND))
        for found in tally.unexplained[told:]:
            print(found, flush=True)
        if time.monotonic() > until:
            break
    print(tally, flush=True)
    return 1 if tally.unexplained or (tally.streams >= ENOUGH and tally.unused) else 0


if __name__ == "__main__":
    sys.exit(main())
