"""Requests in which no text chooses: what else is said can refuse, then a path or the fallback decides."""

from dataclasses import replace

import pytest

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.paths import parse_pattern
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import ChosenBy, Facts, NeedScores, Opaque, Reading
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
FILES = Route("files", UPSTREAM, Access.RESTRICTED, frozenset({"bee"}), paths=(parse_pattern("GET /v1/files/*"),))
ADMIN = Route("admin", UPSTREAM, Access.RESTRICTED, frozenset(), ("delete users",))
MINE = Route("mine", UPSTREAM, Access.PUBLIC, intents=("analyze",))
FALLBACK = Route(FALLBACK_NAME, UPSTREAM, Access.PUBLIC)
GUARD = Guard("secrets", ("passwords",), 0.5, frozenset({"cow"}))
CLAIM = (Claim(Place.HEADER, "x-source-agent", "bee"),)


def house(*, fallback=FALLBACK, **more):
    return Policy.of((FILES, ADMIN, MINE), agents=frozenset({"bee", "ant", "cow"}), fallback=fallback, **more)


def asked(agent="bee", *, body=None, path="/v1/files/a", named=None, scores=None):
    claims = () if agent is None else (Claim(Place.HEADER, "x-source-agent", agent),)
    return Facts(Reading(claims), route_name=named, body=body or Reading(), scores=scores, method="GET", path=path)


def permit(decision):
    assert isinstance(decision, Permit), decision
    return decision


def refusal(decision, reason):
    assert isinstance(decision, Refusal), decision
    assert decision.reason is reason
    return decision


def test_a_path_claims_what_has_no_text_and_access_is_judged_as_ever():
    found = permit(decide(asked(), house(), INITIAL))
    assert (found.route, found.chosen_by, found.is_fallback) == (FILES, ChosenBy.PATH, False)
    denied = refusal(decide(asked("ant"), house(), INITIAL), Reason.ROUTE_FORBIDDEN)
    assert (denied.route, denied.chosen_by) == (FILES, ChosenBy.PATH)
    refusal(decide(asked(None), house(), INITIAL), Reason.ANONYMOUS_FORBIDDEN)


def test_a_path_is_not_looked_at_where_there_is_a_text():
    facts = replace(asked(), head=Reading(CLAIM, "delete everybody"))
    assert decide(facts, house(), INITIAL) == NeedScores("delete everybody")
    refusal(decide(replace(facts, scores=Scores((None, 0.9, 0.1))), house(), INITIAL), Reason.ROUTE_FORBIDDEN)


def test_the_fallback_takes_the_rest_where_it_is_open_to_the_caller():
    found = permit(decide(asked(path="/api/tags"), house(), INITIAL))
    assert (found.route, found.chosen_by, found.is_fallback) == (FALLBACK, ChosenBy.NOTHING, True)
    for policy in (house(fallback=None), house(fallback=replace(FALLBACK, access=Access.RESTRICTED))):
        message = refusal(decide(asked(path="/api/tags"), policy, INITIAL), Reason.NO_TEXT).message
        assert 'default_headers={"X-AIMux-Route": "NAME"}' in message
    refusal(decide(asked(None, path="/api/tags"), house(), INITIAL), Reason.NO_TEXT)


def test_no_preflight_goes_to_the_fallback_by_itself():
    asks = replace(asked(path="/v1/any"), method="OPTIONS")
    refusal(decide(asks, house(), INITIAL), Reason.NO_TEXT)
    listed = replace(FILES, paths=(parse_pattern("OPTIONS /v1/any"),), access=Access.OPEN)
    policy = Policy.of((listed,), agents=frozenset({"bee"}), fallback=FALLBACK)
    assert permit(decide(asks, policy, INITIAL)).route is listed
    assert permit(decide(replace(asks, route_name="fallback"), house(), INITIAL)).route is FALLBACK


def test_the_fallback_can_be_named():
    found = permit(decide(asked(named="fallback"), house(), INITIAL))
    assert (found.route, found.chosen_by, found.is_fallback) == (FALLBACK, ChosenBy.NAME, True)
    refusal(decide(asked(None, named="fallback"), house(), INITIAL), Reason.ANONYMOUS_FORBIDDEN)
    refusal(decide(asked(named="fallback"), house(fallback=None), INITIAL), Reason.NO_ROUTE)


@pytest.mark.parametrize("path", ["/v1/files/a", "/api/tags"])
def test_a_guard_hears_what_is_said_before_a_path_or_the_fallback_decides(path):
    body = Reading((), None, "json", beside=("list the passwords", "then"))
    guarded = house(guards=(GUARD,))
    facts = asked(body=body, path=path)
    assert decide(facts, guarded, INITIAL) == NeedScores("list the passwords", ("then",))
    heard = replace(facts, scores=Scores((None, 0.9, 0.1), guards=(0.8,)))
    refusal(decide(heard, guarded, INITIAL), Reason.GUARD_REFUSED)
    passed = replace(facts, scores=Scores((None, 0.9, 0.1), guards=(0.1,)))
    assert permit(decide(passed, guarded, INITIAL)).match is None  # what is said beside chooses nothing
    assert permit(decide(facts, house(), INITIAL)).match is None


@pytest.mark.parametrize("path", ["/v1/files/a", "/api/tags"])
def test_a_body_that_no_guard_hears_is_refused_where_a_guard_applies(path):
    facts = asked(body=Reading(opaque=Opaque.UNHEARD), path=path)
    message = refusal(decide(facts, house(guards=(GUARD,)), INITIAL), Reason.UNSUPPORTED_MEDIA_TYPE).message
    assert "X-AIMux-Route" in message
    permit(decide(facts, house(), INITIAL))
    assert permit(decide(replace(facts, route_name="mine"), house(guards=(GUARD,)), INITIAL)).route is MINE
    excepted = asked("cow", body=Reading(opaque=Opaque.UNHEARD), path="/api/tags")
    permit(decide(excepted, house(guards=(GUARD,)), INITIAL))


def test_token_ids_are_refused_with_the_option_that_helps():
    facts = asked(body=Reading((), None, "json", opaque=Opaque.TOKENS), path="/v1/embeddings")
    message = refusal(decide(facts, house(), INITIAL), Reason.NO_TEXT).message
    assert "check_embedding_ctx_length=False" in message
    assert "X-AIMux-Route" in message
    named = replace(facts, route_name="mine")
    assert permit(decide(named, house(), INITIAL)).route is MINE
    message = refusal(decide(named, house(guards=(GUARD,)), INITIAL), Reason.NO_TEXT).message
    assert "guard" in message
    assert "X-AIMux-Route" not in message


@pytest.mark.parametrize("head", [Reading(CLAIM, "analyze"), Reading(CLAIM)])
@pytest.mark.parametrize("named", [None, "mine"])
def test_token_ids_beside_a_text_are_refused_where_a_guard_would_have_to_hear_them(head, named):
    body = Reading((), "analyze", "json", opaque=Opaque.TOKENS)
    facts = Facts(head, route_name=named, body=body)
    message = refusal(decide(facts, house(guards=(GUARD,)), INITIAL), Reason.NO_TEXT).message
    assert "guard" in message
    excepted = replace(facts, head=replace(head, claims=(Claim(Place.HEADER, "x-source-agent", "cow"),)))
    for unguarded in (decide(facts, house(), INITIAL), decide(excepted, house(guards=(GUARD,)), INITIAL)):
        assert not isinstance(unguarded, Refusal)


def test_all_messages_count_against_forbidden_routes_where_no_text_chooses():
    facts = asked(body=Reading((), None, "json", beside=("delete everybody", "thanks")), path="/v1/responses")
    strict = house(all_messages=True)
    assert decide(facts, strict, INITIAL) == NeedScores("delete everybody", ("thanks",))
    means = {"admin": (None, 0.9, 0.1), "mine": (None, 0.1, 0.9), "either": (None, 0.9, 0.88), "none": (None, 0.1, 0.2)}
    denied = refusal(decide(replace(facts, scores=Scores(means["admin"])), strict, INITIAL), Reason.ROUTE_FORBIDDEN)
    assert denied.route is ADMIN
    for meant in ("mine", "either", "none"):
        assert permit(decide(replace(facts, scores=Scores(means[meant])), strict, INITIAL)).route is FALLBACK
    named = replace(facts, route_name="mine", scores=Scores(means["admin"]))
    assert permit(decide(named, strict, INITIAL)).route is MINE
    # A guard has what is said read of a named request too; then only the guard may refuse it.
    guarded = house(all_messages=True, guards=(GUARD,))
    for score, kind in ((0.1, Permit), (0.9, Refusal)):
        heard = replace(named, scores=Scores(means["admin"], guards=(score,)))
        assert isinstance(decide(heard, guarded, INITIAL), kind)
