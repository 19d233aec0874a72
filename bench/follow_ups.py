"""Conversations whose last message means no route: follow-ups, and changes of the subject to nothing that has one.

Each is decided with `semantic_engine.follow_ups` as `keep` and as `fallback`. The follow-ups are written for this and
speak of no task; the changes of subject are texts of the data that no route of the draw has.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from aimux.core.decision import Permit
from aimux.core.identity import Claim, Place
from aimux.core.policy import FALLBACK_NAME
from aimux.core.request import Facts, Learnt, Need, NeedMore, NeedScores, Reading
from aimux.core.standing import INITIAL
from aimux.gateway.settle import settle_now
from aimux.intent.encoder import Encoder
from aimux.intent.quality import share
from bench.fields import AGENT, EACH, Field, field_of, forbidden, permitted
from bench.routing_draws import Draw
from bench.routing_rows import FollowUpRow

FOLLOW_UPS: Final = (
    *("yes", "yes please", "no", "no thanks", "ok", "sure, go ahead", "do it", "the second one", "both of them"),
    *("why?", "how come?", "are you sure?", "really?", "and then?", "what else?", "anything else?", "go on"),
    *("what about March?", "and last week?", "what about Q2?", "and tomorrow?", "for the whole year, please"),
    *("make it shorter", "shorter, please", "in one sentence", "as a table", "more details, please", "explain that"),
    *("try again", "that is wrong", "not that one", "the other one", "I meant the first", "change it back"),
    *("thanks", "perfect, thank you", "great", "hm", "can you check again?", "where did you get that from?"),
    *("what does that mean?", "say that again", "in other words?", "give me an example", "compare the two"),
    *("only the biggest ones", "without the first", "sort them", "the same for him", "and for Anna?"),
)


Case = tuple[str, tuple[str, ...], str | None]
"""The last message, those before it with the nearest first, and the route that is wanted, None for a refusal."""
Suite = Callable[[Field, random.Random], Iterator[Case]]


def follow_ups(encoder: Encoder, drawn: Sequence[Draw]) -> list[FollowUpRow]:
    """A row for each kind of conversation, over one draw of each configuration."""
    first = {draw.case: draw for draw in reversed(drawn) if len(draw.routes) > 3}
    fields = [field_of(draw, encoder) for draw in first.values()]
    return [_row(name, wanted, suite, fields) for name, wanted, suite in _SUITES]


def _row(name: str, wanted: str, suite: Suite, fields: Sequence[Field]) -> FollowUpRow:
    kept: list[bool] = []
    fell: list[bool] = []
    for number, field in enumerate(fields):
        for last, earlier, route in suite(field, random.Random(f"{name}/{number}")):  # noqa: S311  # nosec B311
            kept.append(_reached(field, last, earlier, keep=True) == route)
            fell.append(_reached(field, last, earlier, keep=False) == route)
    with_keep, with_fallback = (share(came) for came in (kept, fell))
    return FollowUpRow(
        name,
        wanted,
        (with_keep.value or 0.0, with_keep.low or 0.0, with_keep.high or 0.0),
        (with_fallback.value or 0.0, with_fallback.low or 0.0, with_fallback.high or 0.0),
        len(kept),
    )


def _reached(field: Field, last: str, earlier: Sequence[str], *, keep: bool) -> str | None:
    """The route that the agent's conversation is forwarded to; None where it is refused."""
    policy = replace(field.policy, all_messages=False)
    body = Reading((), last, "messages", earlier=tuple(earlier) if keep else ())
    facts = Facts(Reading((Claim(Place.HEADER, "x", AGENT),)), body=body)

    def learn(need: Need) -> Learnt:
        if isinstance(need, NeedMore):
            return tuple(map(field.reader.score, need.texts))
        if isinstance(need, NeedScores):
            return field.reader.score(need.text)
        raise TypeError(f"a conversation has no answer to {type(need).__name__}")

    decision = settle_now(facts, policy, INITIAL, learn)
    return decision.route.name if isinstance(decision, Permit) else None


def _followed(field: Field, chance: random.Random) -> Iterator[Case]:
    for (name, text), _ in zip(permitted(field, chance), range(EACH), strict=False):
        yield chance.choice(FOLLOW_UPS), (text,), name


def _followed_twice(field: Field, chance: random.Random) -> Iterator[Case]:
    for (name, text), _ in zip(permitted(field, chance), range(EACH), strict=False):
        last, before = chance.sample(FOLLOW_UPS, 2)
        yield last, (before, text), name


def _changed(field: Field, chance: random.Random) -> Iterator[Case]:
    for (_, text), last in zip(
        permitted(field, chance), chance.sample(field.far, min(EACH, len(field.far))), strict=False
    ):
        yield last, (text,), FALLBACK_NAME


def _after_forbidden(field: Field, chance: random.Random) -> Iterator[Case]:
    for text in forbidden(field, chance):
        yield chance.choice(FOLLOW_UPS), (text,), FALLBACK_NAME


def _then_forbidden(field: Field, chance: random.Random) -> Iterator[Case]:
    for (_, own), text in zip(permitted(field, chance), forbidden(field, chance), strict=False):
        yield text, (own,), None


_SUITES: Final[tuple[tuple[str, str, Suite], ...]] = (
    ("a follow-up of a permitted request", "its route", _followed),
    ("the second follow-up of one", "its route", _followed_twice),
    ("a permitted request, then one that no route means", "fallback", _changed),
    ("a follow-up of a forbidden request", "fallback", _after_forbidden),
    ("a permitted request, then a forbidden one", "refused", _then_forbidden),
)
