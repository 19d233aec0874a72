"""A configuration to attack: half of a draw's routes are an agent's, and what is asked of them and of the others."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import Access, Policy, Route
from aimux.core.request import Facts, Reading
from aimux.core.routing import with_beside
from aimux.core.scores import Found
from aimux.core.standing import INITIAL
from aimux.intent.encoder import Encoder
from aimux.intent.reader import TextReader
from bench.routing_draws import Draw
from bench.routing_scores import Bed

EACH: Final = 25
"""So many requests of each draw are tried in a suite."""
MAX_TOKENS: Final = 8192
"""The longest text that is read, as by default."""
AGENT: Final = "agent"
"""Whose half of the routes is."""


@dataclass(frozen=True, slots=True)
class Field:
    """A configuration to attack: a policy with an agent that may use some routes, and the texts of its routes."""

    policy: Policy
    reader: TextReader
    intents: dict[str, tuple[str, ...]]
    mine: tuple[str, ...]
    texts: dict[str, list[str]]
    far: list[str]

    def reached(self, text: str, *, beside: Sequence[str] = ()) -> str | None:
        """The route that the agent's text is forwarded to, the fallback's name for that; None where it is refused."""
        found: Found = self.reader.score(text)
        if beside:
            found = with_beside(self.policy, found, [self.reader.score(each) for each in beside])
        claims = (Claim(Place.HEADER, "x", AGENT),)
        facts = Facts(Reading(claims, text or None), body=Reading(beside=tuple(beside)), scores=found)
        decision = decide(facts, self.policy, INITIAL)
        return decision.route.name if isinstance(decision, Permit) else None

    def meant(self, text: str) -> str | None:
        """The route that a text is taken for by itself, whoever may use it."""
        scores = self.reader.score(text)
        opened = tuple(replace(route, access=Access.OPEN) for route in self.policy.routes)
        facts = Facts(Reading((), text), body=Reading(), scores=scores)
        decision = decide(facts, Policy.of(opened), INITIAL)
        return decision.route.name if isinstance(decision, Permit) else None


def field_of(draw: Draw, encoder: Encoder) -> Field:
    """The configuration of a draw, its agent and its texts."""
    bed = Bed.of(draw)
    chance = random.Random(draw.case)  # noqa: S311  (to be had again)  # nosec B311
    names = [route.name for route in bed.policy.routes]
    mine = tuple(sorted(chance.sample(names, len(names) // 2)))
    routes = tuple(_fenced(route, route.name in mine) for route in bed.policy.routes)
    fallback = Route("fallback", routes[0].upstream, Access.OPEN)
    policy = Policy.of(routes, agents=frozenset({AGENT}), fallback=fallback, all_messages=True)
    texts: dict[str, list[str]] = {}
    for text, route, _ in draw.rows:
        if route is not None:
            texts.setdefault(route, []).append(text)
    far = [text for text, route, _ in draw.rows if route is None]
    reader = TextReader.of(policy, encoder, MAX_TOKENS)
    return Field(policy, reader, dict(draw.routes), mine, texts, far)


def _fenced(route: Route, is_mine: bool) -> Route:
    return replace(route, access=Access.RESTRICTED, allowed=frozenset({AGENT} if is_mine else ()))


def forbidden(field: Field, chance: random.Random) -> Iterator[str]:
    """Requests that are clearly meant for routes which the agent may not use."""
    yield from _clear(field, chance, [name for name in field.texts if name not in field.mine])


def permitted(field: Field, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Requests that are clearly meant for routes which it may use, and the route."""
    for name in chance.choices([name for name in field.mine if name in field.texts] or [""], k=4 * EACH):
        text = chance.choice(field.texts.get(name, [""]))
        if name and field.reached(text) == name:
            yield name, text


def _clear(field: Field, chance: random.Random, names: Sequence[str]) -> Iterator[str]:
    found = 0
    for name in chance.choices(names, k=4 * EACH) if names else ():
        text = chance.choice(field.texts[name])
        if found < EACH and field.meant(text) == name:
            found += 1
            yield text
