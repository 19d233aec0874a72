"""Trying labelled texts on a configuration, by the decision that the gateway makes, to measure how well it routes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aimux.core.policy import Access, Policy, Route
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_FORWARD
from aimux.core.scores import Found
from aimux.gateway.dry_run import judge
from aimux.intent.quality import Deciding, Kind, Outcome, Trial

_OUTCOMES = {
    VERDICT_FORWARD: Outcome.FORWARDED,
    Reason.AMBIGUOUS_ROUTE.code: Outcome.AMBIGUOUS,
    Reason.NO_ROUTE.code: Outcome.NO_MATCH,
}


def by_meaning_alone(policy: Policy) -> Policy:
    """The same routes and thresholds, open to everybody and without a fallback.

    Who may use a route would hide what a text was taken for, and so would a fallback that takes what no route matches.
    """
    routes = tuple(replace(route, access=Access.OPEN, allowed=frozenset()) for route in policy.routes)
    return replace(_of_routes(policy, routes), fallback=None)


def under(policy: Policy, least: Mapping[str, float], lead: float) -> Policy:
    """The same with other thresholds: `least` has a min_score for routes by name, `lead` is the ambiguity_threshold."""
    routes = tuple(replace(route, min_score=least.get(route.name, route.min_score)) for route in policy.routes)
    return replace(_of_routes(policy, routes), ambiguity_threshold=lead)


def _of_routes(policy: Policy, routes: tuple[Route, ...]) -> Policy:
    return replace(policy, routes=routes, by_name=MappingProxyType({route.name: route for route in routes}))


def attempt(
    text: str,
    expected: str | None,
    kind: Kind | None,
    policy: Policy,
    score: Callable[[str], Found],
) -> Trial:
    """Decide one text by a policy from `by_meaning_alone`."""
    found = judge(text, None, policy, score)
    return Trial(
        text=text,
        expected=expected,
        kind=kind,
        # Any other refusal was made without asking what the text means.
        outcome=_OUTCOMES.get(found.verdict, Outcome.UNREAD),
        route=found.route,
        score=found.score or 0.0,
        runner_up=found.runner_up,
        margin=found.margin,
        best=found.best,
        best_score=found.best_score or 0.0,
        part=None if found.part is None else Deciding.of(found.part),
    )
