"""The web page's own endpoints: what would become of a text, and how close the routes are to each other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from aimux.core.reason import Failure, Reason
from aimux.core.routing import PartMatch
from aimux.edge.audit_models import DecidingPart, RouteScore
from aimux.edge.dashboard_models import Overlap, Overlaps, Trial
from aimux.edge.exchange import Exchange
from aimux.edge.management import InForce
from aimux.edge.management_models import Endpoint
from aimux.edge.page import Page, json_page
from aimux.edge.parameters import parameters
from aimux.gateway.dry_run import Judgement, judge
from aimux.gateway.live import Generation, Live

if TYPE_CHECKING:
    from aimux.intent.index import IntentIndex
    from aimux.intent.overlaps import Closeness

_MOST_SCORES: Final = 32
_MOST_ROUTES: Final = 60

IndexOf = Callable[[Generation], "IntentIndex | None"]


class _ScoresNeeded(Exception):  # noqa: N818
    """The decision cannot go on without the model."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The answer for one generation, being worked out or done."""

    generation: Generation
    page: asyncio.Future[Page]


class DashboardPages:
    """Answers from the generation in force."""

    def __init__(self, live: Live, index_of: IndexOf, in_force: Callable[[], InForce]) -> None:
        self._live = live
        self._index_of = index_of
        self._in_force = in_force
        self._overlapping: _Remembered | None = None

    @property
    def endpoints(self) -> Mapping[Endpoint, Callable[[Exchange], Awaitable[Page]]]:
        """Which endpoint is answered by what. Raises Failure where a request makes no sense."""
        return {Endpoint.TRY: self._try, Endpoint.OVERLAPS: self._overlaps}

    async def _try(self, exchange: Exchange) -> Page:
        given = parameters(exchange, ("text", "agent"))
        text, agent = given.get("text", ""), given.get("agent")
        started = time.perf_counter()
        # Without a lease: a trial keeps no generation alive, and nobody waits for it to end.
        generation = self._generation()
        judgement = await _judged(text, agent, generation)
        return json_page(trial_of(judgement, generation, (time.perf_counter() - started) * 1000))

    async def _overlaps(self, exchange: Exchange) -> Page:
        parameters(exchange, ())
        generation = self._generation()
        if self._overlapping is None or self._overlapping.generation is not generation:
            work = (self._index_of(generation), self._in_force())
            page = asyncio.get_running_loop().run_in_executor(None, _overlaps_page, *work)
            self._overlapping = _Remembered(generation, page)
        return await asyncio.shield(self._overlapping.page)

    def _generation(self) -> Generation:
        generation = self._live.generation
        if generation is None:
            raise self._live.refusing or Failure(Reason.NOT_READY, "nothing is in force")
        return generation


async def _judged(text: str, agent: str | None, generation: Generation) -> Judgement:
    policy, scorer = generation.policy, generation.scorer
    try:
        return judge(text, agent, policy, _without_scores)
    except _ScoresNeeded:
        if scorer is None:
            raise RuntimeError("the decision asks for scores, but the configuration has no intents") from None
    scored = scorer.cached(text) or await scorer.score(text)
    return judge(text, agent, policy, lambda _: scored.scores)


def _without_scores(_: str) -> NoReturn:
    raise _ScoresNeeded


def trial_of(judgement: Judgement, generation: Generation, milliseconds: float) -> Trial:
    """A judgement by a generation as the page gets it; `milliseconds` is what it took."""
    by_name = generation.policy.by_name
    highest = sorted(judgement.scores, key=lambda pair: -pair[1])[:_MOST_SCORES]
    return Trial(
        verdict=judgement.verdict,
        status=judgement.status,
        rule=judgement.says,
        rule_id=judgement.rule.id,
        message=judgement.message,
        route=judgement.route,
        score=judgement.score,
        runner_up=judgement.runner_up,
        margin=judgement.margin,
        best=judgement.best,
        best_score=judgement.best_score,
        part=None if judgement.part is None else _part(judgement.part),
        candidates=list(judgement.candidates),
        ambiguity_threshold=generation.policy.ambiguity_threshold,
        scores=[RouteScore(route=name, score=score, min_score=by_name[name].min_score) for name, score in highest],
        milliseconds=round(milliseconds, 3),
    )


def _part(part: PartMatch) -> DecidingPart:
    start, end = part.span or (None, None)
    return DecidingPart(
        route=part.lead.route.name, start=start, end=end, text=part.words, score=round(part.lead.score, 4)
    )


def _overlaps_page(index: "IntentIndex | None", in_force: InForce) -> Page:
    routes, shown = in_force.policy.routes, in_force.display["routes"]
    scored = [route.name for route in routes if route.intents]
    pairs = [] if index is None else _closeness(index)
    return json_page(
        Overlaps(
            routes=scored[:_MOST_ROUTES],
            omitted=max(len(scored) - _MOST_ROUTES, 0),
            ambiguity_threshold=in_force.policy.ambiguity_threshold,
            pairs=[
                Overlap(
                    first=routes[pair.first].name,
                    second=routes[pair.second].name,
                    similarity=round(pair.similarity, 4),
                    first_intent=shown[pair.first]["intents"][pair.first_intent],
                    second_intent=shown[pair.second]["intents"][pair.second_intent],
                    lead=round(pair.lead, 4),
                )
                for pair in pairs
            ],
        )
    )


def _closeness(index: "IntentIndex") -> "list[Closeness]":
    from aimux.intent.overlaps import closeness  # noqa: PLC0415  (a gateway without intents loads no NumPy)

    return closeness(index, _MOST_ROUTES)
