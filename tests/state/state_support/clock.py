"""A clock that only a test moves."""


class VirtualClock:
    """Seconds since the epoch, as the test says."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
