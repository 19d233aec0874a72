"""Requests are counted by the rule that decided, and those that nothing has decided are left out."""

from aimux.core.headers import Trace
from aimux.core.record import Record
from aimux.core.rules import Rule
from aimux.edge.metrics import Metrics
from aimux.gateway.live import Live
from aimux.gateway.serving import Serving


def record(rule: Rule | None) -> Record:
    return Record("a" * 32, Trace("b" * 32, "c" * 16), "192.0.2.7", 0.0, "GET", "/", rule=rule)


def test_requests_are_counted_by_the_rule_that_decided() -> None:
    metrics = Metrics(Live(), lambda: Serving(1, 1, None, 0))
    for rule in (Rule.ACCESS_OPEN, Rule.GUARD_REFUSED, Rule.ACCESS_OPEN, None):
        metrics.request(record(rule))
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("aimux_decisions_total")]
    assert lines == [
        'aimux_decisions_total{rule="access.open"} 2.0',
        'aimux_decisions_total{rule="guard.refused"} 1.0',
    ]
