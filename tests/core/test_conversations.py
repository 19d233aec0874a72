"""What the other messages of a conversation change, where they are looked at."""

from dataclasses import replace

import pytest

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import NEED_BODY, SILENT, Facts, Need, NeedScores, Reading
from aimux.core.routing import with_beside
from aimux.core.scores import Found, Illegible, Scores, Stand, TextTooLong
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
MINE = Route("mine", UPSTREAM, Access.RESTRICTED, frozenset({"bot"}), ("x",))
ALSO_MINE = Route("also-mine", UPSTREAM, Access.RESTRICTED, frozenset({"bot"}), ("y",))
FORBIDDEN = Route("forbidden", UPSTREAM, Access.RESTRICTED, frozenset({"admin"}), ("z",))
CLAIM = (Claim(Place.HEADER, "x", "bot"),)
GUARD = Guard("secrets", ("print the key",), 0.6)


def house(*, all_messages: bool = True, guards: tuple[Guard, ...] = ()) -> Policy:
    agents = frozenset({"bot", "admin"})
    return Policy.of((MINE, ALSO_MINE, FORBIDDEN), agents=agents, guards=guards, all_messages=all_messages)


def conversation(*beside: str, scores: Found | None = None, said: str | None = None) -> Facts:
    return Facts(Reading(CLAIM, said), body=Reading((), "last", "messages", beside=beside), scores=scores)


LAST = Scores((0.9, 0.1, 0.1))
NOTHING = Scores((0.1, 0.1, 0.1))


def test_only_where_all_messages_count_are_the_others_asked_for() -> None:
    facts = conversation("first", "second")
    assert decide(facts, house(), INITIAL) == NeedScores("last", ("first", "second"))
    assert decide(facts, house(all_messages=False), INITIAL) == NeedScores("last")
    assert decide(facts, house(all_messages=False, guards=(GUARD,)), INITIAL) == NeedScores("last", ("first", "second"))


def test_a_text_in_the_head_hides_none_in_the_body_from_a_guard() -> None:
    facts = conversation("first", said="harmless")
    assert decide(facts, house(all_messages=False), INITIAL) == NeedScores("harmless")
    assert decide(facts, house(all_messages=False, guards=(GUARD,)), INITIAL) == NeedScores(
        "harmless", ("last", "first")
    )
    assert decide(facts, house(), INITIAL) == NeedScores("harmless", ("last", "first"))
    unread = Facts(Reading(CLAIM, "harmless"))
    assert decide(unread, house(guards=(GUARD,)), INITIAL) is NEED_BODY
    assert decide(unread, house(), INITIAL) is NEED_BODY
    assert decide(unread, house(all_messages=False), INITIAL) == NeedScores("harmless")


def test_a_guard_hears_a_conversation_in_which_nothing_says_where_to() -> None:
    policy = house(guards=(GUARD,), all_messages=False)
    facts = Facts(Reading(CLAIM), route_name="mine", body=Reading((), None, "json", beside=("first", "second")))
    assert decide(facts, policy, INITIAL) == NeedScores("first", ("second",))
    found = decide(replace(facts, scores=Scores((0.9, 0.1, 0.1), guards=(0.8,))), policy, INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.GUARD_REFUSED
    found = decide(replace(facts, scores=Scores((0.1, 0.1, 0.9), guards=(0.1,))), policy, INITIAL)
    assert isinstance(found, Permit)
    assert found.route is MINE
    unnamed = replace(facts, route_name=None)
    assert decide(unnamed, policy, INITIAL) == NeedScores("first", ("second",))
    found = decide(replace(unnamed, scores=Scores((0.9, 0.1, 0.1), guards=(0.1,))), policy, INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.NO_TEXT
    said = replace(facts, head=Reading(CLAIM, "harmless"))
    assert decide(said, policy, INITIAL) == NeedScores("harmless", ("first", "second"))
    in_query = replace(facts, head=Reading(CLAIM, beside=("note",)))
    assert decide(in_query, policy, INITIAL) == NeedScores("note", ("first", "second"))
    assert decide(replace(in_query, body=SILENT), policy, INITIAL) == NeedScores("note")
    both = Facts(Reading(CLAIM, "q", beside=("note",)), body=Reading((), "last", "messages", beside=("first",)))
    assert decide(both, policy, INITIAL) == NeedScores("q", ("last", "note", "first"))


@pytest.mark.parametrize("beside", [("x",) * 257, ("x" * 70_000, "y" * 70_000)])
def test_a_conversation_is_looked_at_whole_or_not_at_all(beside: tuple[str, ...]) -> None:
    found = decide(conversation(*beside), house(), INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.TEXT_TOO_LONG
    assert isinstance(decide(conversation(*beside), house(all_messages=False), INITIAL), Need)


@pytest.mark.parametrize(
    "other",
    [
        Scores((0.1, 0.1, 0.9)),
        Scores((0.1, 0.1, 0.1), stands=(Stand(2, 0.7, frozenset(), whole=True),)),
        Scores((0.1, 0.1, 0.1), stands=(Stand(2, 0.7, frozenset(), whole=False),)),
    ],
)
def test_a_forbidden_request_in_another_message_keeps_the_conversation_from_a_permitted_route(other: Scores) -> None:
    together = with_beside(house(), LAST, [NOTHING, other])
    found = decide(conversation("a", "b", scores=together), house(), INITIAL)
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_ROUTE, ("mine",))


@pytest.mark.parametrize("other", [NOTHING, LAST, Scores((0.1, 0.9, 0.1)), Scores((0.89, 0.1, 0.9))])
def test_the_last_message_says_where_to_and_harmless_ones_change_nothing(other: Scores) -> None:
    found = decide(conversation("a", scores=with_beside(house(), LAST, [other])), house(), INITIAL)
    assert isinstance(found, Permit)
    assert found.route is MINE


@pytest.mark.parametrize("all_messages", [True, False])
def test_a_guard_looks_at_every_message_whatever_the_scope(*, all_messages: bool) -> None:
    policy = house(guards=(GUARD,), all_messages=all_messages)
    last = Scores(LAST.values, guards=(0.1,))
    together = with_beside(policy, last, [Scores((0.1, 0.1, 0.9), guards=(0.8,)), last])
    assert isinstance(together, Scores)
    assert together.guards == (0.8,)
    assert bool(together.stands) is all_messages
    found = decide(conversation("a", "b", scores=together), policy, INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.GUARD_REFUSED


@pytest.mark.parametrize("unscored", [TextTooLong(9000, 8192), Illegible("it is upside down")])
def test_where_one_message_was_not_scored_nothing_is_decided_on_the_others(unscored: Found) -> None:
    assert with_beside(house(), LAST, [NOTHING, unscored]) is unscored
    assert with_beside(house(), unscored, [NOTHING]) is unscored
