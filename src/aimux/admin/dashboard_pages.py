"""The web page's own endpoints: what would become of a text, and how close the routes are to each other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aimux.admin.dashboard_models import Overlap, Overlaps, Trial
from aimux.admin.entry_models import DecidingPart, RouteScore
from aimux.admin.page import Page, json_page
from aimux.admin.parameters import parameters
from aimux.admin.policy_pages import InForce
from aimux.core.endpoints import Endpoint
from aimux.core.reason import Failure, Reason
from aimux.core.request import Learnt, Need, NeedScores
from aimux.core.routing import PartMatch
from aimux.core.standing import Standing
from aimux.edge.exchange import Exchange
from aimux.gateway.dry_run import Judgement, facts_of, judgement
from aimux.gateway.live import Generation, Live
from aimux.gateway.settle import settle

if TYPE_CHECKING:
    from aimux.intent.index import IntentIndex
    from aimux.intent.overlaps import Closeness

_MOST_SCORES: Final = 32
_MOST_ROUTES: Final = 60

IndexOf = Callable[[Generation], "IntentIndex | None"]


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
        found = await _judged(text, agent, generation, self._live.standing)
        return json_page(trial_of(found, generation, (time.perf_counter() - started) * 1000))

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


async def _judged(text: str, agent: str | None, generation: Generation, standing: Standing) -> Judgement:
    policy, scorer = generation.policy, generation.scorer

    async def learn(need: Need) -> Learnt:
        if not isinstance(need, NeedScores) or scorer is None:
            raise TypeError(f"a text alone is no answer to {type(need).__name__}")
        return (scorer.cached(need.text) or await scorer.score(need.text)).scores

    facts = facts_of(text, agent, policy)
    return judgement(text, agent, await settle(facts, policy, standing, learn), facts, policy)


def trial_of(found: Judgement, generation: Generation, milliseconds: float) -> Trial:
    """A judgement by a generation as the page gets it; `milliseconds` is what it took."""
    by_name = generation.policy.by_name
    highest = sorted(found.scores, key=lambda pair: -pair[1])[:_MOST_SCORES]
    return Trial(
        verdict=found.verdict,
        status=found.status,
        rule=found.says,
        rule_id=found.rule.id,
        message=found.message,
        route=found.route,
        score=found.score,
        runner_up=found.runner_up,
        margin=found.margin,
        best=found.best,
        best_score=found.best_score,
        part=None if found.part is None else _part(found.part),
        candidates=list(found.candidates),
        ambiguity_threshold=generation.policy.ambiguity_threshold,
        scores=[_score(name, score, by_name[name].min_score) for name, score in highest],
        milliseconds=round(milliseconds, 3),
    )


def _part(part: PartMatch) -> DecidingPart:
    start, end = part.span or (None, None)
    of = {"route": part.lead.route.name, "start": start, "end": end, "text": part.words}
    return DecidingPart.model_validate({**of, "score": round(part.lead.score, 4)})


def _score(name: str, score: float, needed: float) -> RouteScore:
    return RouteScore.model_validate({"route": name, "score": score, "min_score": needed})


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
