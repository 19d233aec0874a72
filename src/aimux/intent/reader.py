"""Reading one text: its windows, their vectors, its scores. What the model's thread does, and `aimux route` too."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from aimux.core.request import Scores, TextTooLong
from aimux.core.snapshot import Snapshot
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.index import IntentIndex
from aimux.intent.model import ModelFiles

# A token covers few characters, except in words so long that the model reads each as one unknown token.
_MOST_CHARACTERS_A_TOKEN: Final = 16


class TextReader:
    """Scores texts against one snapshot's intents, one at a time, in the caller's thread."""

    def __init__(self, encoder: Encoder, index: IntentIndex, max_tokens: int) -> None:
        self.encoder = encoder
        self.index = index
        self._max_tokens = max_tokens

    def windows(self, text: str) -> Sequence[Sequence[int]] | TextTooLong:
        """The windows that the model reads of a text: all of it, or none."""
        if len(text) > self._max_tokens * _MOST_CHARACTERS_A_TOKEN:
            return TextTooLong(len(text) // _MOST_CHARACTERS_A_TOKEN, self._max_tokens)
        tokens = self.encoder.tokenize(text)
        if len(tokens) > self._max_tokens:
            return TextTooLong(len(tokens), self._max_tokens)
        return self.encoder.windows(tokens)

    def room(self, window: Sequence[int]) -> int:
        """How many windows as long as this one the model reads in one run."""
        return self.encoder.room(window)

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows, one row each."""
        return self.encoder.embed(windows)

    def scores(self, rows: Sequence[Vectors]) -> Scores:
        """The scores of a text by the vectors of all its windows."""
        return self.index.scores(rows[0] if len(rows) == 1 else np.concatenate(rows))

    def score(self, text: str) -> Scores | TextTooLong:
        """The scores of a text, at once."""
        windows = self.windows(text)
        if isinstance(windows, TextTooLong):
            return windows
        return self.scores([self.embed(windows)])


def load_reader(snapshot: Snapshot, files: ModelFiles, max_tokens: int, encoder: Encoder | None = None) -> TextReader:
    """Load the model, unless it is loaded already, and embed the intents.

    Raises ModelError, for an intent that is too long too.
    """
    encoder = encoder or Encoder.load(files)
    return TextReader(encoder, IntentIndex.build(snapshot, encoder), max_tokens)
