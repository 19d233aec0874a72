"""What changes is counted in groups, the gravest first, and however much it is, little of it is kept."""

from dataclasses import replace

import pytest

from aimux.audit.decisions import Decided
from aimux.core.rules import Rule
from aimux.gateway.changes import Kind, Tally, kind_of
from aimux.gateway.replay import ASIDE, Basis, Judged, Unjudged

FORBIDDEN = Decided(
    *(1.0, "a" * 32, "ant", "claimed", "query", "said", None, "admin", None, (), "route_forbidden"),
    *(Rule.ACCESS_NOT_LISTED, "a rule"),
    *("0" * 64, None),
)
FORWARDED = replace(FORBIDDEN, verdict="forward", route="red")
ALLOWED = Judged("forward", "admin", Rule.ACCESS_OPEN, "now open")
REFUSED = Judged("route_forbidden", None, Rule.ACCESS_NOT_LISTED, "now shut")


@pytest.mark.parametrize(
    ("decided", "judged", "kind"),
    [
        (FORBIDDEN, ALLOWED, Kind.ALLOWED),
        (FORBIDDEN, Judged("fallback", "fallback", None, ""), Kind.ALLOWED),
        (FORBIDDEN, REFUSED, None),
        (FORBIDDEN, Judged("ambiguous_route", None, None, ""), Kind.OTHERWISE),
        (FORWARDED, Judged("forward", "red", None, ""), None),
        (FORWARDED, Judged("forward", "blue", None, ""), Kind.REROUTED),
        (FORWARDED, Judged("fallback", "fallback", None, ""), Kind.REROUTED),
        (FORWARDED, REFUSED, Kind.REFUSED),
        (replace(FORBIDDEN, verdict="answered", route=None), Judged("answered", None, None, ""), None),
        (replace(FORBIDDEN, verdict="answered", route=None), Judged("unknown_agent", None, None, ""), Kind.REFUSED),
    ],
)
def test_how_grave_a_change_is(decided, judged, kind):
    assert kind_of(decided, judged) is kind


def test_everything_is_counted_once():
    tally = Tally(5)
    tally.add(FORBIDDEN, ALLOWED, proved=True)
    tally.add(FORBIDDEN, replace(REFUSED, basis=Basis.SCORES), proved=False)
    tally.add(FORBIDDEN, Unjudged.EXCERPT, proved=False)
    tally.add(replace(FORBIDDEN, verdict="draining"), ASIDE, proved=False)
    assert (tally.requests, tally.changed, tally.left, tally.unproved) == (4, 1, 1, 1)
    assert tally.judged == {Basis.EXACT: 1, Basis.SCORES: 1}
    assert (tally.aside, tally.unjudged) == ({"draining": 1}, {Unjudged.EXCERPT: 1})


def test_what_is_newly_allowed_comes_first_however_rare_it_is():
    tally = Tally(5)
    for number in range(9):
        tally.add(replace(FORWARDED, request_id=f"{number}", agent=f"ant-{number}"), REFUSED, proved=True)
    tally.add(FORWARDED, Judged("forward", "blue", None, ""), proved=True)
    tally.add(FORBIDDEN, replace(ALLOWED, basis=Basis.TEXT_ALONE), proved=True)
    groups = [(group.kind, group.before, group.after, group.count, group.in_part) for group in tally.groups]
    assert groups == [
        (Kind.ALLOWED, "route_forbidden", "forward admin", 1, 1),
        (Kind.REROUTED, "forward red", "forward blue", 1, 0),
        (Kind.REFUSED, "forward red", "route_forbidden", 9, 0),
    ]
    shown = [(group.kind, example.decided.request_id) for group, example in tally.examples()]
    assert shown == [
        (Kind.ALLOWED, "a" * 32),
        (Kind.REROUTED, "a" * 32),
        *((Kind.REFUSED, f"{number}") for number in range(3)),
    ]
    assert tally.groups[2].agents == [f"ant-{number}" for number in range(5)]
    assert tally.groups[2].more_agents
    assert not tally.groups[0].more_agents


def test_no_log_fills_the_memory():
    tally = Tally(3)
    for number in range(3000):
        tally.add(replace(FORWARDED, route=f"r{number}", agent=f"a{number}"), REFUSED, proved=True)
    assert len(tally.groups) == 1001
    assert tally.changed == 3000
    assert sum(len(group.examples) for group in tally.groups) == 1003


def test_no_examples_are_kept_where_none_are_shown():
    tally = Tally(0)
    tally.add(FORBIDDEN, ALLOWED, proved=True)
    assert list(tally.examples()) == []
    assert tally.changed == 1
