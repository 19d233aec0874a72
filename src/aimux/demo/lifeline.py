"""Runs a Python module as a program that ends when its starter is gone: `python -m aimux.demo.lifeline MODULE ...`.

The starter holds the other end of standard input. However it ends, and be it by SIGKILL, the system closes that end.
"""

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence

GRACE = 10.0
"""Seconds between asking the program to end and ending it."""


def main(arguments: Sequence[str]) -> None:
    """Run the module that the first argument names, with the others as its arguments."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _end_with_starter() -> None:
    # os.read and not sys.stdin: a reader inside sys.stdin holds a lock that Python wants when it shuts down.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
