"""For all tests: how processes that they start take SIGINT, and no time limit on an example of a property."""

import signal

from hypothesis import settings

# A run in the background ignores SIGINT, and must not hand that down to the processes that it tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes any example slow, and speed is measured elsewhere.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")
