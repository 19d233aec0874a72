"""How long a response may pause, and the comments that clients of a silent event stream are sent meanwhile."""

from aimux.edge.deadlines import NEVER
from aimux.edge.event_stream import EventStream
from aimux.edge.exchange import Exchange


class Pauses:
    """The pauses in one connection's responses. Moments are on the loop's clock, spans are in seconds."""

    __slots__ = ("_comment_after", "_idle_at")

    def __init__(self, comment_after: float | None) -> None:
        """`comment_after` is the silence before a comment, None where none are sent."""
        self._comment_after = comment_after or NEVER
        self._idle_at = NEVER

    def heard(self, now: float, idle: float, events: EventStream | None) -> float:
        """The response goes on, and may pause for `idle` seconds: when to look at it again."""
        self._idle_at = now + idle
        return self._idle_at if events is None else self._next(now, events)

    def comment(self, now: float, events: EventStream | None, exchange: Exchange) -> float | None:
        """Comment a silent event stream: when to look at it again. None where the pause is over."""
        if events is None or now >= self._idle_at:
            return None
        if events.comments and events.between_events:
            exchange.write(events.comment())
            exchange.flush()
        return self._next(now, events)

    def _next(self, now: float, events: EventStream) -> float:
        return min(self._idle_at, now + self._comment_after) if events.comments else self._idle_at
