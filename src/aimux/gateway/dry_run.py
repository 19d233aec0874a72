"""What the gateway would do with a text, by the same decision, without forwarding anything."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aimux.core.decision import Permit
from aimux.core.identity import Claim, Place
from aimux.core.policy import Policy, Route
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Learnt, Need, NeedScores, Reading
from aimux.core.routing import Match, PartMatch, by_name
from aimux.core.rules import Rule
from aimux.core.scores import Found, Scores
from aimux.core.standing import INITIAL
from aimux.gateway.settle import settle_now


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision on one text. Scores are by route name, those of the whole text.

    `route` is the one that it goes to or is refused for, as the record and the response's header have it. `score`,
    `runner_up` and `margin` are those that decided: of the whole text or, where `part` chose the route, of that part.
    `best` is the route with the highest score of the whole text.
    """

    text: str
    agent: str | None
    verdict: str
    status: int
    rule: Rule
    says: str
    message: str
    route: str | None
    score: float | None
    runner_up: str | None
    margin: float | None
    candidates: tuple[str, ...]
    scores: tuple[tuple[str, float], ...]
    best: str | None
    best_score: float | None
    part: PartMatch | None


def judge(text: str, agent: str | None, policy: Policy, score: Callable[[str], Found]) -> Judgement:
    """Decide a text from an agent (None: anonymous). `score` gives the scores of a text."""
    decision, facts = decided(text, agent, policy, score)
    return judgement(text, agent, decision, facts, policy)


def decided(
    text: str, agent: str | None, policy: Policy, score: Callable[[str], Found], named: str | None = None
) -> tuple[Permit | Refusal, Facts]:
    """The decision on a text, and all that it was made by. `named` is the route in the X-AIMux-Route header."""
    facts = facts_of(text, agent, policy, named)

    def learn(need: Need) -> Learnt:
        if isinstance(need, NeedScores):
            return score(need.text)
        raise TypeError(f"a text alone is no answer to {type(need).__name__}")

    return settle_now(facts, policy, INITIAL, learn), facts


def facts_of(text: str, agent: str | None, policy: Policy, named: str | None = None) -> Facts:
    """The facts of a request with this text, from an agent that names itself in a header; `named` as in `decided`."""
    header = next(iter(policy.identity.headers), "--as")
    claims = () if agent is None else (Claim(Place.HEADER, header, agent),)
    meant = text if text and not text.isspace() else None
    return Facts(Reading(claims, meant, "text"), route_name=named, now=time.time(), body=SILENT)


def judgement(text: str, agent: str | None, decision: Permit | Refusal, facts: Facts, policy: Policy) -> Judgement:
    """What such a decision says, for people and for scripts."""
    found: Match | None
    route: Route | None
    if isinstance(decision, Permit):
        verdict = VERDICT_FALLBACK if decision.is_fallback else VERDICT_FORWARD
        status, message, candidates = 200, f"goes to {decision.route.upstream.url}", tuple[str, ...]()
        rule, says, found, route = decision.rule, decision.says, decision.match, decision.route
    else:
        verdict, status = decision.reason.code, decision.reason.status
        message, candidates = decision.message, decision.candidates
        rule, says, found, route = decision.rule, decision.says, decision.match, decision.route
    lead = None if found is None else found.lead
    return Judgement(
        text=text,
        agent=agent,
        verdict=verdict,
        status=status,
        rule=rule,
        says=says,
        message=message,
        route=route.name if route else None,
        score=lead.score if lead else None,
        runner_up=lead.runner_up.name if lead and lead.runner_up else None,
        margin=lead.margin if lead else None,
        candidates=candidates,
        scores=by_name(policy, facts.scores) if isinstance(facts.scores, Scores) else (),
        best=found.best.name if found else None,
        best_score=found.score if found else None,
        part=found.part if found else None,
    )
