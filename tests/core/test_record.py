"""The record of a request takes over what decisions say, and keeps what a later refusal does not know better."""

from aimux.core.decision import Permit, decide
from aimux.core.headers import Trace
from aimux.core.identity import Claim, Place
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.record import Ended, Record
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
TARGET = Route("target", UPSTREAM, Access.OPEN, intents=("x",))
HOUSE = Policy.of((TARGET,), agents=frozenset({"bee"}), fallback=Route(FALLBACK_NAME, UPSTREAM, Access.PUBLIC))


def decided(agent, score):
    claims = () if agent is None else (Claim(Place.QUERY, "agent", agent),)
    return decide(Facts(Reading(claims, "text"), body=SILENT, scores=Scores((score,))), HOUSE, INITIAL)


def new():
    return Record("r1", Trace("f" * 32, "e" * 16), "127.0.0.1")


def test_a_permit_fills_the_record():
    record, decision = new(), decided("bee", 0.9)
    assert isinstance(decision, Permit)
    record.permitted(decision)
    assert (record.verdict, record.route, record.principal.agent) == ("forward", "target", "bee")
    assert record.says == "route 'target' is open"
    assert record.match.score == 0.9
    assert record.ended is Ended.COMPLETED


def test_a_permit_to_the_fallback_says_so():
    record = new()
    record.permitted(decided("bee", 0.1))
    assert (record.verdict, record.route, record.match.best.name) == ("fallback", "fallback", "target")


def test_a_refusal_fills_the_record():
    record = new()
    record.refused(decided(None, 0.1))
    assert (record.verdict, record.status, record.route) == ("anonymous_forbidden", 403, "fallback")
    assert record.principal.agent is None
    assert record.match.score == 0.1


def test_a_refusal_after_a_permit_keeps_who_and_where():
    record = new()
    record.permitted(decided("bee", 0.9))
    record.refused(Refusal(Reason.UPSTREAM_TIMEOUT, "too late", Rule.UPSTREAM_TIMEOUT))
    assert (record.verdict, record.status, record.rule) == ("upstream_timeout", 504, Rule.UPSTREAM_TIMEOUT)
    assert (record.route, record.principal.agent, record.match.score) == ("target", "bee", 0.9)


def test_the_guard_that_refused_is_recorded_and_no_guard_of_a_later_refusal():
    record, guard = new(), Guard("secrets", ("x",), 0.5)
    record.refused(Refusal(Reason.GUARD_REFUSED, "no", Rule.GUARD_REFUSED, guard=guard))
    assert (record.guard, record.says) == ("secrets", "guard 'secrets' refuses this meaning whatever the route")
    record.refused(Refusal(Reason.INTERNAL, "a fault", Rule.INTERNAL_FAIL_CLOSED))
    assert record.guard is None
