"""For all tests: a run in the background ignores SIGINT, and must not hand that down to the processes it tests."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
