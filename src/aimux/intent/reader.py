"""Reading one text: what is seen of it, as it is and as it was meant, its parts, their windows, vectors and scores.

What the model's thread does, and `aimux route` too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aimux.core.legible import IllegibleError, Legible, seen
from aimux.core.request import Found, Illegible, Scores, TextTooLong
from aimux.core.snapshot import Snapshot
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.index import IntentIndex
from aimux.intent.model import ModelFiles
from aimux.intent.parts import Part, parts
from aimux.intent.spelling import Speller

# A token covers few characters, except in words so long that the model reads each as one unknown token.
_MOST_CHARACTERS_A_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows that the model reads of a text: first those of all of it, `first` of them, then those of its parts.

    A text with misspelt words is read as it is and as it was meant.

    `owners` are the parts' numbers, window by window; `whole` says of each part whether the text sets it apart.
    """

    windows: tuple[Sequence[int], ...]
    first: int
    owners: tuple[int, ...] = ()
    whole: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is read of a text: all of it, as it is seen and, where that differs, as it was meant; and its parts.

    `others` are what it says in disguise: each is a part, and has parts.
    """

    wholes: tuple[str, ...]
    parts: tuple[Part, ...]
    others: tuple[str, ...] = ()


class TextReader:
    """Scores texts against one snapshot's intents, one at a time, in the caller's thread."""

    def __init__(
        self,
        encoder: Encoder,
        index: IntentIndex,
        max_tokens: int,
        speller: Speller | None = None,
        *,
        closely: bool = False,
    ) -> None:
        """`closely`: short stretches of a text are read in halves too."""
        self.encoder = encoder
        self.index = index
        self._max_tokens = max_tokens
        self._speller = speller
        self._closely = closely

    @classmethod
    def of(cls, snapshot: Snapshot, encoder: Encoder, max_tokens: int) -> "TextReader":
        """A reader that knows the words of the intents too. Raises ModelError for an intent that is too long."""
        speller = Speller(
            encoder.vocabulary,
            *(route.intents for route in snapshot.routes),
            *(guard.intents for guard in snapshot.guards),
        )
        return cls(encoder, IntentIndex.build(snapshot, encoder), max_tokens, speller, closely=snapshot.close_reading)

    def under(self, snapshot: Snapshot) -> "TextReader":
        """The same by a snapshot of the same intents under other thresholds. Raises ValueError for other intents."""
        index = self.index.under(snapshot)
        return TextReader(self.encoder, index, self._max_tokens, self._speller, closely=self._closely)

    def plan(self, text: str) -> Plan | TextTooLong | Illegible:
        """What the model has to read of a text: all of it, or none."""
        if len(text) > self._max_tokens * _MOST_CHARACTERS_A_TOKEN:
            return TextTooLong(len(text) // _MOST_CHARACTERS_A_TOKEN, self._max_tokens)
        try:
            legible = seen(text)
        except IllegibleError as error:
            return Illegible(str(error))
        tokens = self.encoder.tokenize(legible.text)
        if len(tokens) > self._max_tokens:
            return TextTooLong(len(tokens), self._max_tokens)
        content = self.content(legible)
        longest = max((len(self.encoder.tokenize(other)) for other in content.others), default=0)
        if longest > self._max_tokens:
            return TextTooLong(longest, self._max_tokens)
        return self._planned(content, tokens)

    def content(self, legible: Legible) -> Content:
        """What is read of a text that can be."""
        meant = self._speller.readings(legible.text) if self._speller else ()
        # Whatever its words say to some reader counts, mistyped or not.
        wholes = tuple(dict.fromkeys((legible.text, *meant)))
        apart = [part for whole in wholes for part in parts(whole, closely=self._closely)]
        others = self._others(legible)
        for other in others:
            apart += [Part(other, whole=True), *parts(other, closely=self._closely)]
        return Content(wholes, tuple(dict.fromkeys(apart)), others)

    def _others(self, legible: Legible) -> tuple[str, ...]:
        others = list(legible.others)
        if self._speller:
            for text in (legible.text, *legible.others):
                plain = self._speller.undisguised(text)
                if plain != text or text != legible.text:
                    others += [plain, *self._speller.readings(plain)[:1]]
        return tuple(dict.fromkeys(others))

    def _planned(self, content: Content, tokens: Sequence[int]) -> Plan:
        """The plan of what is read of a text, of which the first whole has these tokens."""
        whole = self.encoder.windows(tokens)
        whole += [window for text in content.wholes[1:] for window in self._windows(text)]
        # Those of one length follow one another, so that the model reads them in few runs.
        rest = sorted(
            ((owner, window) for owner, part in enumerate(content.parts) for window in self._windows(part.text)),
            key=lambda each: len(each[1]),
        )
        windows = (*whole, *(window for _, window in rest))
        owners = tuple(owner for owner, _ in rest)
        return Plan(windows, len(whole), owners, tuple(part.whole for part in content.parts))

    def _windows(self, text: str) -> list[list[int]]:
        return self.encoder.windows(self.encoder.tokenize(text))

    def room(self, window: Sequence[int]) -> int:
        """How many windows as long as this one the model reads in one run."""
        return self.encoder.room(window)

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows, one row each."""
        return self.encoder.embed(windows)

    def scores(self, plan: Plan, rows: Sequence[Vectors]) -> Scores:
        """The scores of a text by the vectors of its plan's windows, in their order."""
        vectors = rows[0] if len(rows) == 1 else np.concatenate(rows)
        found = self.index.scores(vectors[: plan.first])
        guards = self.index.guards(vectors)
        if not plan.owners:
            return replace(found, guards=guards) if guards else found
        stands = self.index.stands(vectors[plan.first :], plan.owners, plan.whole)
        return replace(found, stands=stands, guards=guards)

    def score(self, text: str) -> Found:
        """The scores of a text, at once."""
        plan = self.plan(text)
        return self.scores(plan, [self.embed(plan.windows)]) if isinstance(plan, Plan) else plan


def load_reader(snapshot: Snapshot, files: ModelFiles, max_tokens: int, encoder: Encoder | None = None) -> TextReader:
    """Load the model, unless it is loaded already, and embed the intents.

    Raises ModelError, for an intent that is too long too.
    """
    return TextReader.of(snapshot, encoder or Encoder.load(files), max_tokens)
