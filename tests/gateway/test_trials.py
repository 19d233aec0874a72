"""A trial is what the gateway decides of a text's meaning, whoever may use the route and wherever else it would go."""

import pytest

from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.scores import Scores, TextTooLong
from aimux.gateway.trials import attempt, by_meaning_alone
from aimux.intent.quality import Kind, Outcome

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
POLICY = Policy.of(
    (
        Route("red", UPSTREAM, Access.RESTRICTED, frozenset({"ant"}), ("r",)),
        Route("green", UPSTREAM, Access.PUBLIC, frozenset(), ("g",), 0.6),
        Route("blue", UPSTREAM, Access.RESTRICTED, frozenset(), ("b",)),
    ),
    agents=frozenset({"ant"}),
    fallback=Route(FALLBACK_NAME, UPSTREAM, Access.OPEN),
)


@pytest.mark.parametrize(
    ("scores", "outcome", "best", "runner_up"),
    [
        ((0.9, 0.2, 0.1), Outcome.FORWARDED, "red", "green"),
        ((0.1, 0.2, 0.5), Outcome.FORWARDED, "blue", "green"),
        ((0.3, 0.59, 0.1), Outcome.NO_MATCH, "green", "red"),
        ((0.1, 0.72, 0.7), Outcome.AMBIGUOUS, "green", "blue"),
    ],
)
def test_access_and_fallback_hide_nothing(scores, outcome, best, runner_up):
    found = attempt("text", "red", None, by_meaning_alone(POLICY), lambda _: Scores(scores))
    assert (found.outcome, found.best, found.score, found.runner_up) == (outcome, best, max(scores), runner_up)
    assert found.margin == max(scores) - sorted(scores)[1]
    assert (found.text, found.expected, found.kind) == ("text", "red", None)


def test_a_text_that_is_refused_unread_has_no_best_route():
    found = attempt("long", None, Kind.FAR, by_meaning_alone(POLICY), lambda _: TextTooLong(9000, 8192))
    assert (found.outcome, found.best, found.score, found.kind) == (Outcome.UNREAD, None, 0.0, Kind.FAR)


def test_the_routes_stay_where_scores_look_for_them():
    bare = by_meaning_alone(POLICY)
    assert [route.name for route in bare.routes] == ["red", "green", "blue"]
    assert [route.min_score for route in bare.routes] == [0.4, 0.6, 0.4]
    assert all(bare.by_name[route.name] is route for route in bare.routes)
    assert bare.ambiguity_threshold == POLICY.ambiguity_threshold
    assert bare.fallback is None
