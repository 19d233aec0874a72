"""The log of refused management requests: whole for a few, bounded for many, with a count of what it leaves out."""

from typing import Any

from aimux.admin.refusal_log import RefusalLog
from aimux.core.headers import Trace
from aimux.core.reason import Reason
from aimux.core.refusal import failed
from aimux.edge.exchange import Exchange
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head


class Lines:
    """Stands for the log, and keeps the lines."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    @property
    def event(self) -> "Lines":
        return self

    def warning(self, event: str, **fields: Any) -> None:
        self.written.append({"event": event, **fields})


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused() -> Exchange:
    head = parse_head(b"GET /config HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\n\r\n", HeadLimits())
    link: Any = None
    trace = Trace("f" * 32, "e" * 16)
    return Exchange(link, head, Origin("192.0.2.1"), request_id="abc", trace=trace, started=0.0, max_body=0)


def test_a_flood_is_logged_in_part_and_the_rest_is_counted() -> None:
    lines, clock = Lines(), Clock()
    log: Any = lines
    refusals, refusal = RefusalLog(log, clock), failed(Reason.MANAGEMENT_FORBIDDEN, "no")
    for _ in range(5000):
        refusals.note(refused(), refusal)
    assert len(lines.written) == 1000
    assert not any("unlogged" in line for line in lines.written)
    clock.now = 1.0
    for _ in range(100):
        refusals.note(refused(), refusal)
    assert len(lines.written) == 1050
    assert lines.written[1000]["unlogged"] == 4000
    clock.now = 3600.0
    refusals.note(refused(), refusal)
    assert lines.written[-1] == {
        "event": "management",
        "verdict": "management_forbidden",
        "peer": "192.0.2.1",
        "path": "/config",
        "detail": "no",
        "request_id": "abc",
        "unlogged": 50,
    }
