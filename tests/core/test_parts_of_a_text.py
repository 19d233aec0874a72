"""What the parts of a text change: a request that hides in another is not forwarded with it."""

import pytest

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.scores import Illegible, Scores, Stand
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
BOT = frozenset({"bot"})
MINE, ALSO_MINE, FORBIDDEN, OTHER = range(4)


def house(*, fallback: bool = True) -> Policy:
    def route(name: str, allowed: frozenset[str]) -> Route:
        return Route(name, UPSTREAM, Access.RESTRICTED, allowed, ("an intent",), 0.4)

    routes = (
        *(route("mine", BOT), route("also-mine", BOT)),
        *(route("forbidden", frozenset({"admin"})), route("other", frozenset({"admin"}))),
    )
    last = Route("fallback", UPSTREAM, Access.OPEN)
    return Policy.of(routes, agents=frozenset({"bot", "admin"}), fallback=last if fallback else None)


def decided(scores: tuple[float, ...], *stands: Stand, agent: str = "bot", fallback: bool = True) -> Permit | Refusal:
    facts = Facts(
        Reading((Claim(Place.HEADER, "x", agent),), "text"),
        route_name=None,
        body=SILENT,
        scores=Scores(scores, stands=stands),
    )
    found = decide(facts, house(fallback=fallback), INITIAL)
    assert isinstance(found, Permit | Refusal)
    return found


def stand(place: int, *close: int, whole: bool = True, brief: bool = False) -> Stand:
    return Stand(place, 0.6, frozenset(close), whole, brief)


WHOLE = (0.9, 0.1, 0.1, 0.1)
NOTHING = (0.1, 0.1, 0.1, 0.1)


@pytest.mark.parametrize("whole", [True, False])
def test_a_part_that_stands_for_a_forbidden_route_keeps_the_text_from_a_permitted_one(*, whole: bool) -> None:
    found = decided(WHOLE, stand(MINE), stand(FORBIDDEN, whole=whole))
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_ROUTE, ("mine",))
    assert "part" in found.says
    assert "forbidden" not in found.message


def test_a_brief_part_refuses_only_for_a_route_that_the_caller_may_not_use() -> None:
    found = decided(WHOLE, stand(ALSO_MINE, brief=True))
    assert isinstance(found, Permit)
    assert found.route.name == "mine"
    assert isinstance(decided(WHOLE, stand(FORBIDDEN, brief=True)), Refusal)
    assert isinstance(decided(NOTHING, stand(FORBIDDEN, brief=True)), Refusal)


def test_a_brief_part_chooses_only_where_nothing_else_does() -> None:
    for stands, route in (
        ((stand(MINE, brief=True),), "mine"),
        ((stand(ALSO_MINE), stand(MINE, brief=True)), "also-mine"),
        ((stand(MINE, brief=True), stand(ALSO_MINE)), "also-mine"),
        ((stand(MINE, whole=False, brief=True),), "fallback"),
    ):
        found = decided(NOTHING, *stands)
        assert isinstance(found, Permit)
        assert found.route.name == route
    both = decided(NOTHING, stand(MINE, brief=True), stand(ALSO_MINE, brief=True))
    assert isinstance(both, Refusal)
    assert both.reason is Reason.AMBIGUOUS_ROUTE


def test_two_requests_in_one_text_are_two_routes() -> None:
    found = decided(WHOLE, stand(MINE), stand(ALSO_MINE))
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_ROUTE, ("mine", "also-mine"))


@pytest.mark.parametrize(
    "stands",
    [
        (),
        (stand(MINE), stand(MINE, whole=False)),
        (stand(ALSO_MINE, whole=False),),
        (stand(ALSO_MINE, MINE),),
        (stand(FORBIDDEN, MINE),),
        (stand(FORBIDDEN, MINE, whole=False),),
    ],
)
def test_what_could_as_well_mean_the_chosen_route_changes_nothing(stands: tuple[Stand, ...]) -> None:
    found = decided(WHOLE, *stands)
    assert isinstance(found, Permit)
    assert found.route.name == "mine"


def test_a_text_that_is_meant_for_a_forbidden_route_is_refused_whatever_else_it_says() -> None:
    found = decided((0.1, 0.1, 0.9, 0.1), stand(MINE), stand(FORBIDDEN))
    assert isinstance(found, Refusal)
    assert found.reason is Reason.ROUTE_FORBIDDEN


def test_what_says_nothing_as_a_whole_is_meant_for_the_route_of_its_part() -> None:
    found = decided(NOTHING, stand(MINE))
    assert isinstance(found, Permit)
    assert (found.route.name, found.is_fallback) == ("mine", False)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("fallback", [True, False])
def test_what_hides_in_a_text_that_says_nothing_does_not_slide_to_the_fallback(*, whole: bool, fallback: bool) -> None:
    found = decided(NOTHING, stand(FORBIDDEN, OTHER, whole=whole), fallback=fallback)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.ROUTE_FORBIDDEN
    assert found.route is not None
    assert found.route.name == "forbidden"


def test_parts_for_several_routes_are_ambiguous_without_a_whole_too() -> None:
    found = decided(NOTHING, stand(MINE), stand(ALSO_MINE), stand(FORBIDDEN))
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_ROUTE, ("mine", "also-mine"))
    found = decided(NOTHING, stand(OTHER), stand(FORBIDDEN))
    assert isinstance(found, Refusal)
    assert found.reason is Reason.ROUTE_FORBIDDEN


def test_some_words_of_a_text_that_says_nothing_stand_for_no_route_that_the_caller_may_use() -> None:
    found = decided(NOTHING, stand(MINE, whole=False))
    assert isinstance(found, Permit)
    assert found.is_fallback


def test_who_may_use_every_route_is_asked_which_one_only_where_the_text_sets_the_parts_apart() -> None:
    assert isinstance(decided(WHOLE, stand(ALSO_MINE, whole=False)), Permit)
    assert isinstance(decided((0.1, 0.1, 0.9, 0.1), stand(OTHER, whole=False), agent="admin"), Permit)
    assert isinstance(decided((0.1, 0.1, 0.9, 0.1), stand(OTHER), agent="admin"), Refusal)


def test_a_text_that_nobody_can_read_is_refused() -> None:
    facts = Facts(
        Reading((Claim(Place.HEADER, "x", "bot"),), "text"),
        route_name=None,
        body=SILENT,
        scores=Illegible("it is upside down"),
    )
    found = decide(facts, house(), INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.BAD_REQUEST
    assert "upside down" in found.message
