"""For all tests: what their processes inherit.

A run in the background ignores SIGINT, and must not hand that down to the processes it tests. Where the environment
says that compiled modules are not kept, hundreds of processes would compile the same modules again. NumPy computes on
one thread, as it does in the command.
"""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
