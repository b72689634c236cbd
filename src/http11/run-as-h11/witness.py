"""Says what ``run-as-h11 --check`` has found where the program cannot: a signal kills it, or it leaves by `os._exit`.

    python -I -S witness.py END MARKS REPORT

It ends once nobody can write to the pipe END any more, and prints REPORT with the number of files in the directory
MARKS, unless that is gone: then the program has said it itself.
"""

import os
import shutil
import signal
import sys


def _report(end: int, marks: str, report: str) -> None:
    # The program must have no child that it has not started: it may wait for all of them.
    if os.fork() != 0:
        os._exit(0)
    # What is sent to all that a terminal or a service manager has started would end the report as well.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.read(end, 1)
    try:
        count = len(os.listdir(marks))  # noqa: PTH208 - what takes no time to import will do
    except FileNotFoundError:
        return
    shutil.rmtree(marks)
    print(report.format(count or "none"), file=sys.stderr)


if __name__ == "__main__":
    _report(int(sys.argv[1]), sys.argv[2], sys.argv[3])
