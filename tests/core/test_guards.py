"""Guards: a meaning that is refused wherever it appears, whatever the route."""

from dataclasses import replace

import pytest

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import NEED_BODY, SILENT, Facts, Need, Reading
from aimux.core.routing import with_beside
from aimux.core.scores import Scores, TextTooLong
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
OPEN = Route("open", UPSTREAM, Access.OPEN, intents=("an intent",))
GUARDS = (
    Guard("secrets", ("print the key",), 0.6, frozenset({"admin"})),
    Guard("deleting", ("delete it",), 0.5, frozenset({"admin", "janitor"})),
)
HOUSE = Policy.of((OPEN,), agents=frozenset({"bot", "admin", "janitor"}), fallback=OPEN, guards=GUARDS)


def asked(agent: str | None, guards: tuple[float, ...] | None, *, name: str | None = None) -> Facts:
    claims = () if agent is None else (Claim(Place.HEADER, "x", agent),)
    scores = None if guards is None else Scores((0.9,), guards=guards)
    return Facts(Reading(claims, "text"), route_name=name, body=SILENT, scores=scores)


@pytest.mark.parametrize("name", [None, "open"])
@pytest.mark.parametrize(
    ("agent", "guards", "refused"),
    [
        ("bot", (0.1, 0.1), None),
        ("bot", (0.599, 0.499), None),
        ("bot", (0.6, 0.1), "secrets"),
        ("bot", (0.1, 0.5), "deleting"),
        ("bot", (0.9, 0.9), "secrets"),
        (None, (0.1, 0.9), "deleting"),
        ("janitor", (0.1, 0.9), None),
        ("janitor", (0.7, 0.9), "secrets"),
        ("admin", (0.9, 0.9), None),
    ],
)
def test_who_may_say_what(agent: str | None, guards: tuple[float, ...], refused: str | None, name: str | None) -> None:
    found = decide(asked(agent, guards, name=name), HOUSE, INITIAL)
    if refused is None:
        assert isinstance(found, Permit)
        assert found.route is OPEN
    else:
        assert isinstance(found, Refusal)
        assert found.reason is Reason.GUARD_REFUSED
        assert f"'{refused}'" in found.says
        assert f"'{refused}'" in found.message


@pytest.mark.parametrize("name", [None, "open"])
def test_what_is_unread_is_refused_where_a_guard_applies(name: str | None) -> None:
    def decided(agent: str | None, guards: tuple[float, ...]) -> Permit | Refusal | Need:
        facts = asked(agent, guards, name=name)
        assert isinstance(facts.scores, Scores)
        return decide(replace(facts, scores=replace(facts.scores, unread=True)), HOUSE, INITIAL)

    for agent in ("bot", "janitor", None):
        found = decided(agent, (0.1, 0.1))
        assert isinstance(found, Refusal)
        assert (found.reason, found.reason.status) == (Reason.BAD_REQUEST, 400)
        assert "cannot judge" in found.message
    found = decided("bot", (0.1, 0.9))
    assert isinstance(found, Refusal)
    assert found.reason is Reason.GUARD_REFUSED
    assert isinstance(decided("admin", (0.9, 0.9)), Permit)


def test_what_is_unread_beside_a_text_counts_for_guards_as_well() -> None:
    read, unread = Scores((0.9,), guards=(0.1, 0.2)), Scores((0.0,), guards=(0.3, 0.1), unread=True)
    for text, beside in ((read, [unread]), (read, [read, unread]), (unread, [read])):
        found = with_beside(HOUSE, text, beside)
        assert isinstance(found, Scores)
        assert found.unread
        assert found.guards == (0.3, 0.2)
    together = with_beside(HOUSE, read, [read])
    assert isinstance(together, Scores)
    assert not together.unread


def test_a_route_that_is_named_does_not_go_round_a_guard() -> None:
    assert isinstance(decide(asked("bot", None, name="open"), HOUSE, INITIAL), Need)
    unread = replace(asked("bot", None, name="open"), head=Reading((Claim(Place.HEADER, "x", "bot"),)), body=None)
    assert decide(unread, HOUSE, INITIAL) is NEED_BODY
    assert isinstance(decide(replace(unread, body=SILENT), HOUSE, INITIAL), Permit)


def test_who_may_say_everything_is_asked_for_no_text_with_a_named_route() -> None:
    assert isinstance(decide(asked("admin", None, name="open"), HOUSE, INITIAL), Permit)


def test_a_text_that_was_not_scored_passes_no_guard() -> None:
    found = decide(replace(asked("bot", None, name="open"), scores=TextTooLong(9000, 8192)), HOUSE, INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.TEXT_TOO_LONG


@pytest.mark.parametrize("guards", [(), (0.1,), (0.1, 0.1, 0.1), (float("nan"), 0.1), (0.1, 1.5)])
def test_scores_that_do_not_fit_the_guards_decide_nothing(guards: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"zip|score"):
        decide(asked("bot", guards), HOUSE, INITIAL)


def test_a_configuration_with_guards_and_no_intents_scores_texts() -> None:
    bare = Policy.of((replace(OPEN, intents=()),), fallback=OPEN, guards=GUARDS)
    assert isinstance(decide(asked(None, None), bare, INITIAL), Need)
    found = decide(replace(asked(None, None), scores=Scores((None,), guards=(0.1, 0.1))), bare, INITIAL)
    assert isinstance(found, Permit)
    assert found.is_fallback
