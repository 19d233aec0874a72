"""Reading one text: what is seen of it, as it is and as it was meant, its parts, their windows, vectors and scores.

What the model's thread does, and `aimux route` too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aimux.core.legible import IllegibleError, Legible, seen
from aimux.core.policy import Policy
from aimux.core.scores import Found, Illegible, Scores, Stand, TextTooLong
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.index import IntentIndex
from aimux.intent.locating import Locator
from aimux.intent.model import ModelFiles
from aimux.intent.parts import Part, parts
from aimux.intent.spelling import Speller
from aimux.intent.unknown import Unknowns, is_unread
from aimux.intent.usable import check_intents

# A token covers few characters, except in words so long that the model reads each as one unknown token.
_MOST_CHARACTERS_A_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows that the model reads of a text: first those of all of it, `first` of them, then those of its parts.

    A text with misspelt words is read as it is and as it was meant.

    `owners` are the parts' numbers, window by window; `whole` says of each part whether the text sets it apart, `brief`
    whether it has hardly any words. `unread` are the numbers of the windows of which the model knows too little, and
    `says_more` is whether something that it does not know may say something. `text` is the text as it came, `readings`
    are those of it as a whole, and `parts` the words of its parts.
    """

    windows: tuple[Sequence[int], ...]
    first: int
    owners: tuple[int, ...] = ()
    whole: tuple[bool, ...] = ()
    brief: tuple[bool, ...] = ()
    unread: frozenset[int] = frozenset()
    says_more: bool = False
    text: str = ""
    readings: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def located(self, stands: Sequence[Stand]) -> tuple[Stand, ...]:
        """The stands of its parts with the words of each, and where these stand in the text."""
        locator, located = Locator(self.text, self.readings), []
        for stand in stands:
            read = "" if stand.part is None else self.parts[stand.part]
            span = locator.span(read)
            words = read if span is None else self.text[slice(*span)]
            located.append(replace(stand, words=words, span=span))
        return tuple(located)

    def of_the_whole(self, vectors: Vectors) -> Vectors:
        """Of a vector a window, those of all of the text that is read; there may be none."""
        rows = [row for row in range(self.first) if row not in self.unread]
        return vectors[: self.first] if len(rows) == self.first else vectors[rows]

    def of_the_parts(self, vectors: Vectors) -> tuple[Vectors, Sequence[int]]:
        """The same of its parts, and the number of the part that each belongs to."""
        if not self.unread:
            return vectors[self.first :], self.owners
        rows = [row for row in range(self.first, len(vectors)) if row not in self.unread]
        return vectors[rows], [self.owners[row - self.first] for row in rows]


@dataclass(frozen=True, slots=True)
class Content:
    """What is read of a text: all of it, as it is seen and, where that differs, as it was meant; and its parts.

    `others` are what it says in disguise: each is a part, and has parts.
    """

    wholes: tuple[str, ...]
    parts: tuple[Part, ...]
    others: tuple[str, ...] = ()


class TextReader:
    """Scores texts against one policy's intents, one at a time, in the caller's thread."""

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
        self._unknowns = Unknowns(encoder)

    @classmethod
    def of(cls, policy: Policy, encoder: Encoder, max_tokens: int) -> "TextReader":
        """A reader that knows the words of the intents too. Raises ModelError for one that the model does not read."""
        check_intents(policy, encoder)
        speller = Speller(
            encoder.vocabulary,
            *(route.intents for route in policy.routes),
            *(guard.intents for guard in policy.guards),
        )
        return cls(encoder, IntentIndex.build(policy, encoder), max_tokens, speller, closely=policy.close_reading)

    def under(self, policy: Policy) -> "TextReader":
        """The same by a policy of the same intents under other thresholds. Raises ValueError for other intents."""
        index = self.index.under(policy)
        return TextReader(self.encoder, index, self._max_tokens, self._speller, closely=self._closely)

    def plan(self, text: str) -> Plan | TextTooLong | Illegible:
        """What the model has to read of a text: all of it, or none."""
        if len(text) > self._max_tokens * _MOST_CHARACTERS_A_TOKEN:
            return TextTooLong(len(text) // _MOST_CHARACTERS_A_TOKEN, self._max_tokens)
        try:
            legible = self.seen(text)
        except IllegibleError as error:
            return Illegible(str(error))
        tokens = len(self._unknowns.tokenize(legible.text))
        if tokens > self._max_tokens:
            return TextTooLong(tokens, self._max_tokens)
        content = self.content(legible)
        longest = max((len(self.encoder.tokenize(other)) for other in content.others), default=0)
        if longest > self._max_tokens:
            return TextTooLong(longest, self._max_tokens)
        return self._planned(text, content)

    def seen(self, text: str) -> Legible:
        """A text as it is seen, with unknown words divided from the signs about them. Raises IllegibleError."""
        legible = seen(text)
        return Legible(self._unknowns.divided(legible.text), tuple(map(self._unknowns.divided, legible.others)))

    def content(self, legible: Legible) -> Content:
        """The content to read of a legible text, as `seen` gives it."""
        meant = self._speller.readings(legible.text) if self._speller else ()
        # Whatever its words say to some reader counts, mistyped or not.
        wholes = tuple(dict.fromkeys((legible.text, *meant)))
        apart = [part for whole in wholes for part in parts(whole, closely=self._closely)]
        others = self._others(legible)
        for other in others:
            apart += [Part(other, whole=True), *parts(other, closely=self._closely)]
        if self._unknowns.is_in(legible.text):
            apart = self._beside_unknown(legible.text, apart)
        return Content(wholes, tuple(dict.fromkeys(apart)), others)

    def _beside_unknown(self, text: str, apart: list[Part]) -> list[Part]:
        """The parts of a text with something unknown: what is known of it is one too, and hides behind nothing."""
        known = self._unknowns.known(text)
        if len(known.split()) > 1:
            apart = [*apart, *(replace(part, whole=False) for part in (Part(known, whole=False), *parts(known)))]
        if is_unread(self._unknowns.kinds(text)):
            # It means no route, and what little is known of it chooses none.
            apart = [replace(part, whole=False) for part in apart]
        return apart

    def _others(self, legible: Legible) -> tuple[str, ...]:
        others = list(legible.others)
        if self._speller:
            for text in (legible.text, *legible.others):
                plain = self._speller.undisguised(text)
                if plain != text or text != legible.text:
                    others += [plain, *self._speller.readings(plain)[:1]]
        return tuple(dict.fromkeys(others))

    def _planned(self, text: str, content: Content) -> Plan:
        """The plan of what is read of a text."""
        wholes = list(map(self._unknowns.read, content.wholes))
        parts = [self._unknowns.read(part.text) for part in content.parts]
        # Those of one length follow one another, so that the model reads them in few runs.
        rest = sorted(
            ((owner, window) for owner, part in enumerate(parts) for window in part.windows),
            key=lambda each: len(each[1].ids),
        )
        windows = [*(window for whole in wholes for window in whole.windows), *(window for _, window in rest)]
        return Plan(
            windows=tuple(window.ids for window in windows),
            first=len(windows) - len(rest),
            owners=tuple(owner for owner, _ in rest),
            whole=tuple(part.whole for part in content.parts),
            brief=tuple(part.brief for part in content.parts),
            unread=frozenset(row for row, window in enumerate(windows) if window.is_unread),
            says_more=any(read.says_more for read in (*wholes, *parts)),
            text=text,
            readings=content.wholes,
            parts=tuple(part.text for part in content.parts),
        )

    def room(self, window: Sequence[int]) -> int:
        """How many windows as long as this one the model reads in one run."""
        return self.encoder.room(window)

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows, one row each."""
        return self.encoder.embed(windows)

    def scores(self, plan: Plan, rows: Sequence[Vectors]) -> Scores:
        """The scores of a text by the vectors of its plan's windows, in their order."""
        vectors = rows[0] if len(rows) == 1 else np.concatenate(rows)
        found = self.index.scores(plan.of_the_whole(vectors))
        guards = self.index.guards(vectors)
        if not plan.owners:
            return replace(found, guards=guards, unread=plan.says_more) if guards else found
        parts, owners = plan.of_the_parts(vectors)
        stands = self.index.stands(parts, owners, plan.whole, plan.brief)
        return replace(found, stands=plan.located(stands), guards=guards, unread=plan.says_more)

    def score(self, text: str) -> Found:
        """The scores of a text, at once."""
        plan = self.plan(text)
        return self.scores(plan, [self.embed(plan.windows)]) if isinstance(plan, Plan) else plan


def load_reader(policy: Policy, files: ModelFiles, max_tokens: int, encoder: Encoder | None = None) -> TextReader:
    """Load the model, unless it is loaded already, and embed the intents.

    Raises ModelError, for an intent that is too long or of unknown words too.
    """
    return TextReader.of(policy, encoder or Encoder.load(files), max_tokens)
