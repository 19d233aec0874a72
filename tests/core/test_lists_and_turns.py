"""Lists of texts, each of which is judged, and earlier turns of the user, which decide where the last means nothing."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import ChosenBy, Facts, Need, NeedEarlier, NeedMore, Reading
from aimux.core.scores import Illegible, Scores, TextTooLong
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
RED = Route("red", UPSTREAM, Access.PUBLIC, intents=("red",))
BLUE = Route("blue", UPSTREAM, Access.PUBLIC, intents=("blue",))
GREY = Route("grey", UPSTREAM, Access.RESTRICTED, frozenset(), ("grey",))
FALLBACK = Route(FALLBACK_NAME, UPSTREAM, Access.PUBLIC)
GUARD = Guard("secrets", ("passwords",), 0.5)
CLAIM = (Claim(Place.HEADER, "x-source-agent", "bee"),)
SAYS = {
    "red": (0.9, 0.1, 0.1),
    "blue": (0.1, 0.9, 0.1),
    "grey": (0.1, 0.1, 0.9),
    "both": (0.9, 0.88, 0.1),
    "none": (0.1, 0.2, 0.3),
}


def house(*, fallback=FALLBACK, guards=(), follow_ups=True, all_messages=False):
    return Policy.of(
        (RED, BLUE, GREY),
        agents=frozenset({"bee"}),
        fallback=fallback,
        guards=guards,
        follow_ups=follow_ups,
        all_messages=all_messages,
    )


def scores(said, *, guard=None):
    return Scores(SAYS[said], guards=() if guard is None else (guard,))


def settled(facts, policy, found, earlier=()):
    """The decision, and the texts that it asked for; `found` is what each says, `earlier` what the user said before."""
    asked = []
    while isinstance(decision := decide(facts, policy, INITIAL), Need):
        if isinstance(decision, NeedEarlier):
            facts.learn(decision, earlier)
        elif isinstance(decision, NeedMore):
            asked += decision.texts
            facts.learn(decision, tuple(found[text] for text in decision.texts))
        else:
            asked.append(decision.text)
            facts.learn(decision, found[decision.text])
    return decision, asked


def listed(first, *others, named=None):
    return Facts(Reading(CLAIM), route_name=named, body=Reading((), first, "json", field="input", listed=others))


def spoken(last, *earlier):
    return Facts(Reading(CLAIM), body=Reading((), last, "messages", earlier=earlier))


MEANINGS = {said: scores(said) for said in SAYS}


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(SAYS)), min_size=2, max_size=4), st.booleans())
def test_all_texts_of_a_list_must_be_permitted_and_to_one_route(said, has_fallback):
    policy = house(fallback=FALLBACK if has_fallback else None)
    alone = [settled(Facts(Reading(CLAIM, text), body=Reading()), policy, MEANINGS)[0] for text in said]
    decision, asked = settled(listed(*said), policy, MEANINGS)
    assert asked == said
    if all(isinstance(each, Permit) for each in alone):
        routes = {each.route.name for each in alone}
        if len(routes) == 1:
            assert isinstance(decision, Permit)
            assert decision.route is alone[0].route
            assert decision.chosen_by is ChosenBy.LIST
        else:
            assert isinstance(decision, Refusal)
            assert decision.reason is Reason.AMBIGUOUS_ROUTE
            assert set(decision.candidates) == routes
    else:
        assert isinstance(decision, Refusal)
        first = next(each for each in alone if isinstance(each, Refusal))
        assert (decision.reason, decision.route, decision.match) == (first.reason, first.route, first.match)
        assert decision.chosen_by is (None if first.chosen_by is None else ChosenBy.LIST)


def test_a_guard_hears_each_text_of_a_list_whatever_route_is_named():
    policy = house(guards=(GUARD,))
    found = {"red": scores("red", guard=0.1), "blue": scores("blue", guard=0.8)}
    for named in (None, "red"):
        decision, asked = settled(listed("red", "blue", named=named), policy, found)
        assert decision.reason is Reason.GUARD_REFUSED
        assert asked == ["red", "blue"]
    decision, asked = settled(listed("red", "blue", named="red"), house(), {})
    assert (decision.route, asked) == (RED, [])


def test_a_text_of_a_list_that_is_not_scored_refuses_and_too_many_are_not_begun():
    for unread, reason in ((TextTooLong(9000, 8192), Reason.TEXT_TOO_LONG), (Illegible("x"), Reason.BAD_REQUEST)):
        decision, _ = settled(listed("red", "odd"), house(), {**MEANINGS, "odd": unread})
        assert decision.reason is reason
    for others in (("red",) * 300, ("x" * 140_000,)):
        decision, asked = settled(listed("red", *others), house(), MEANINGS)
        assert (decision.reason, asked) == (Reason.TEXT_TOO_LONG, ["red"])
        assert "X-AIMux-Route" in decision.message


def test_a_text_in_the_query_chooses_alone():
    facts = replace(listed("blue", "grey"), head=Reading(CLAIM, "red"))
    decision, asked = settled(facts, house(), MEANINGS)
    assert (decision.route, asked) == (RED, ["red"])
    facts = replace(spoken("none", "blue"), head=Reading(CLAIM, "none"))
    decision, asked = settled(facts, house(), MEANINGS)
    assert (decision.route, asked) == (FALLBACK, ["none"])


def test_the_nearest_earlier_turn_that_means_any_route_decides_where_the_last_one_means_none():
    reached = Counter()

    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.sampled_from(sorted(SAYS)), max_size=4), st.booleans())
    def check(earlier, has_fallback):
        policy = house(fallback=FALLBACK if has_fallback else None)
        decision, asked = settled(spoken("none", *earlier), policy, MEANINGS)
        means = next((text for text in earlier if text != "none"), None)
        # No turn before it is looked at.
        assert asked == ["none", *(earlier if means is None else earlier[: earlier.index(means) + 1])]
        if means in {"red", "blue"}:
            found = decision
            assert (found.route.name, found.chosen_by, found.is_fallback) == (means, ChosenBy.EARLIER_TURN, False)
            assert found.turn == earlier.index(means) + 1
        elif has_fallback:
            assert (decision.route, decision.turn) == (FALLBACK, 0)
        else:
            assert decision.reason is Reason.NO_ROUTE
        reached[means, has_fallback] += 1

    check()
    assert len(reached) == 2 * len(SAYS)


def test_earlier_turns_are_looked_for_only_where_they_can_decide():
    unread = Facts(Reading(CLAIM), body=Reading((), "none", "messages", earlier=None))
    for last, policy in (("red", house()), ("none", house(follow_ups=False)), ("grey", house())):
        decision, _ = settled(replace(unread, body=replace(unread.body, text=last)), policy, MEANINGS, None)
        assert not isinstance(decision, Need)
    decision, asked = settled(unread, house(), MEANINGS, ("none", "red"))
    assert (decision.route, decision.turn, asked) == (RED, 2, ["none", "none", "red"])


def test_an_earlier_turn_is_not_looked_at_where_the_last_one_means_something():
    for last in ("red", "grey", "both"):
        decision, asked = settled(spoken(last, "blue"), house(), MEANINGS)
        assert asked == [last]
        assert isinstance(decision, Permit) is (last == "red")


def test_an_earlier_turn_that_is_not_scored_decides_nothing():
    found = {**MEANINGS, "odd": TextTooLong(9000, 8192)}
    decision, asked = settled(spoken("none", "odd", "red"), house(), found)
    assert (decision.route, asked) == (FALLBACK, ["none", "odd"])
