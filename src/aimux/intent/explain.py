"""Why the scores of a text are what they are: what the model read of it, and which intents that was near to.

For who asks why, from the very vectors that the scores are made of. Nothing that serves requests comes by here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from aimux.core.policy import Policy
from aimux.core.scores import Found, Illegible, Scores, TextTooLong
from aimux.intent import formula
from aimux.intent.encoder import Vectors
from aimux.intent.parts import Part
from aimux.intent.reader import Content, Plan, TextReader

ROUTES: Final = 3
"""So many routes are explained, those with the highest scores."""

INTENTS: Final = 2
"""So many intents of each are told. The first one counts, the next says whether it is alone."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as the model read it: its content, and a vector a window, in the order of the plan."""

    content: Content
    plan: Plan
    vectors: Vectors

    @property
    def seen(self) -> str:
        """The text as it looks."""
        return self.content.wholes[0]

    @property
    def meant(self) -> tuple[str, ...]:
        """The text as it was probably meant, the likeliest way first, where that differs."""
        return self.content.wholes[1:]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its parts."""
        return self.content.parts

    @property
    def is_unread(self) -> bool:
        """Whether the model knows too little of it, wherever it looks, so that it means no route as a whole."""
        return self.plan.unread.issuperset(range(self.plan.first))


@dataclass(frozen=True, slots=True)
class Piece:
    """What the model read in one window: these words, the tokens from number `start` up to, without it, `stop`.

    They are of the text as a whole, which has so many `tokens` in so many `windows`, or else of a `part` of it.
    """

    words: str
    start: int
    stop: int
    tokens: int
    window: int
    windows: int
    part: Part | None


@dataclass(frozen=True, slots=True)
class Near:
    """How the score of one route came about: that of the piece of the text which scored best.

    `place` is the route's in the policy. `intents` are the nearest ones: the number of each in the route, and its
    cosine. `along` is the cosine to the route's direction.
    """

    place: int
    score: float
    piece: Piece
    intents: tuple[tuple[int, float], ...]
    along: float
    terms: formula.Terms


@dataclass(frozen=True, slots=True)
class Guarded:
    """What of a text scored highest for a guard: the score, the number of the guard's nearest intent, and the words."""

    score: float
    intent: int
    piece: Piece


class Looks:
    """Texts that the model reads once each, to be scored by several policies of the same intents."""

    def __init__(self, reader: TextReader | None) -> None:
        """Without a reader no route has intents, and no text is read."""
        self._reader = reader
        self._texts: dict[str, Text | TextTooLong | Illegible] = {}
        self._scores: dict[tuple[object, ...], Scores] = {}

    def score(self, text: str, policy: Policy) -> Found:
        """The scores of a text by a policy that has the reader's intents, perhaps under other thresholds.

        Raises EncodingError.
        """
        if self._reader is None:
            return Scores((None,) * len(policy.routes))
        read = self._read(text, self._reader)
        if not isinstance(read, Text):
            return read
        by = (text, policy.ambiguity_threshold, *((route.min_score, len(route.intents)) for route in policy.routes))
        scores = self._scores.get(by)
        if scores is None:
            scores = self._scores[by] = self._reader.under(policy).scores(read.plan, [read.vectors])
        return scores

    def text(self, text: str) -> Text | None:
        """What the model read of a text; None for one that was not read, or refused unread."""
        read = self._texts.get(text)
        return read if isinstance(read, Text) else None

    def near(self, text: str, scores: Scores) -> tuple[Near, ...]:
        """How the highest scores of a text that was read came about, the highest first."""
        read = self.text(text)
        if read is None or self._reader is None or read.is_unread:
            return ()
        index = self._reader.index
        each = index.each(read.vectors[: read.plan.first])
        each[[window for window in read.plan.unread if window < read.plan.first]] = 0.0
        column = {place: number for number, (place, _) in enumerate(index.routes)}
        scored = [(value, place) for place, value in enumerate(scores.values) if value is not None]
        # Of equal ones the first in the configuration stays the first, as in the decision.
        highest = sorted(scored, key=lambda pair: -pair[0])[:ROUTES]
        best = ((score, place, column[place]) for score, place in highest)
        return tuple(
            _near(read, self._reader, number, window=int(each[:, number].argmax()), place=place, score=score)
            for score, place, number in best
        )

    def guarded(self, text: str) -> tuple[Guarded, ...]:
        """What of a text that was read came nearest to each guard."""
        read = self.text(text)
        return () if read is None or self._reader is None else tuple(_guarded(read, self._reader))

    def _read(self, text: str, reader: TextReader) -> Text | TextTooLong | Illegible:
        read = self._texts.get(text)
        if read is None:
            plan = reader.plan(text)
            if isinstance(plan, Plan):
                read = Text(reader.content(reader.seen(text)), plan, reader.embed(plan.windows))
            else:
                read = plan
            self._texts[text] = read
        return read


def _near(read: Text, reader: TextReader, column: int, *, window: int, place: int, score: float) -> Near:
    index, vector = reader.index, read.vectors[window]
    alike = index.routes[column][1] @ vector
    order = np.argsort(-alike, kind="stable")[:INTENTS].tolist()
    intents = tuple((number, float(alike[number])) for number in order)
    along = float(index.directions[column] @ vector)
    terms = formula.terms(intents[0][1], along, float(index.handicaps[column]))
    return Near(place, score, _piece(read, reader, window), intents, along, terms)


def _guarded(read: Text, reader: TextReader) -> Iterator[Guarded]:
    each = reader.index.each_guard(read.vectors)
    for number, intents in enumerate(reader.index.guard_intents):
        window = int(each[:, number].argmax())
        intent = int((intents @ read.vectors[window]).argmax())
        yield Guarded(float(each[window, number]), intent, _piece(read, reader, window))


def _piece(read: Text, reader: TextReader, window: int) -> Piece:
    """The words of one window of the plan: those of a part stand in the order of the part."""
    part, number = None, window
    if window < read.plan.first:
        text, number = _whole(read, reader, window)
    else:
        behind = window - read.plan.first
        owner = read.plan.owners[behind]
        part, number = read.parts[owner], read.plan.owners[:behind].count(owner)
        text = part.text
    spans = reader.encoder.spans(text)
    ranges = reader.encoder.ranges(len(spans))
    start, stop = ranges[number]
    words = text[spans[start][0] : spans[stop - 1][1]] if stop > start else ""
    return Piece(words, start, stop, len(spans), number + 1, len(ranges), part)


def _whole(read: Text, reader: TextReader, window: int) -> tuple[str, int]:
    """Which reading of the whole a window is of, and its number there."""
    *others, last = read.content.wholes
    for whole in others:
        count = len(reader.encoder.ranges(len(reader.encoder.spans(whole))))
        if window < count:
            return whole, window
        window -= count
    return last, window
