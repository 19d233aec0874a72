"""From text to vectors: tokens, windows that fit the model, and their embeddings.

A vector depends on its window only, never on what else the model reads in the same run. Many int8 exports quantise each
tensor over all that a run holds, so windows go through most models one at a time. Ours scales each token by itself: it
reads windows of one length together, where a trial at load has shown that not a bit differs.
"""

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt

from aimux.intent.english import vocabulary_of
from aimux.intent.model import (
    MAX_TOKENS,
    MAX_TOKENS_MARK,
    PRECISION_MARK,
    ModelError,
    ModelFiles,
    Precision,
    file_sha256,
)
from aimux.intent.runtime import InferenceSession, open_session, reason
from aimux.intent.tokens import Tokens

Vectors = npt.NDArray[np.float32]

_PROBE: Final = "analyze the budget"
_INTEGERS: Final[dict[str, type[np.integer]]] = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_IDS: Final = "input_ids"
# What the other inputs are at every token of a window that nothing pads.
_FILLED: Final = {"attention_mask": 1, "token_type_ids": 0}
_REQUIRED: Final = {_IDS, "attention_mask"}
_OPTIONAL: Final = {"token_type_ids"}
_WHOLE: Final = "sentence_embedding"
_HIDDEN: Final = "last_hidden_state"
_EXTERNAL_DATA: Final = (".data", "_data")
# From here on a larger run is hardly faster for each text, and those that wait for it notice it.
_TOKENS_A_RUN: Final = 96


class EncodingError(Exception):
    """The model gave no usable vector for a text: nothing may be decided on it."""


class Encoder:
    """A loaded embedding model. Threads may share it."""

    def __init__(self, session: InferenceSession, tokens: Tokens, name: str, digest: str) -> None:
        """Wrap a session and a tokenizer. Raises ValueError for a model whose inputs or outputs do not fit."""
        self.name = name
        self.digest = digest
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.max_tokens = min(MAX_TOKENS, int(self.metadata.get(MAX_TOKENS_MARK, MAX_TOKENS)))
        if self.max_tokens <= tokens.special_count:
            raise ValueError("its windows have no room for text")
        self.vocabulary = vocabulary_of(tokens.words())
        self.unknown = tokens.unknown
        self.longest_word = tokens.longest_word
        self._tokens = tokens
        self._session = session
        self._inputs = _inputs(session)
        self._output = _output(session)
        self.dimensions = self._run(self.windows([*self.tokenize(_PROBE), tokens.highest_id])).shape[1]
        self._together = self.metadata.get(PRECISION_MARK) == Precision.INT8 and self._reads_alike_together()

    @classmethod
    def load(cls, files: ModelFiles) -> "Encoder":
        """Load a model and try it. Raises ModelError where it is missing, broken or of an unknown kind."""
        tokens = Tokens.load(files)
        session = open_session(files)
        try:
            encoder = cls(session, tokens, files.onnx.stem, digest_of(files))
            encoder.check_longest()
        except (ValueError, EncodingError, OSError) as error:
            raise ModelError(f"the embedding model {files.onnx} cannot be used: {error}; {files.remedy}") from error
        return encoder

    def check_longest(self) -> None:
        """Run a window of full length, unless the file says what it reads. Raises EncodingError where that fails."""
        if MAX_TOKENS_MARK not in self.metadata:
            room = self.max_tokens - self._tokens.special_count
            self.embed(self.windows([self._tokens.highest_id] * room))

    def tokenize(self, text: str) -> list[int]:
        """The ids of all of a text's tokens, without special ones. A special token's name in a text is only text.

        Raises EncodingError for a string that holds half of a surrogate pair: no Unicode text does.
        """
        try:
            return self._tokens.ids(text)
        except TypeError as error:
            raise EncodingError("the text is not valid Unicode") from error

    def windows(self, ids: Sequence[int]) -> list[list[int]]:
        """Split into windows of at most `max_tokens`, special tokens included, that overlap by a quarter or more."""
        return [self._tokens.wrap(ids[start:stop]) for start, stop in self.ranges(len(ids))]

    def ranges(self, count: int) -> list[tuple[int, int]]:
        """Which of so many tokens each window has: the number of its first one, and of the one behind its last."""
        room = self.max_tokens - self._tokens.special_count
        last = max(count - room, 0)
        return [(start, min(start + room, count)) for start in (*range(0, last, room - room // 4), last)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token of `tokenize` stands in the text: its first character, and the one behind its last.

        Raises EncodingError like `tokenize`.
        """
        try:
            return self._tokens.spans(text)
        except TypeError as error:
            raise EncodingError("the text is not valid Unicode") from error

    def room(self, window: Sequence[int]) -> int:
        """How many windows as long as this one the model reads in one run."""
        return max(_TOKENS_A_RUN // max(len(window), 1), 1) if self._together else 1

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows, float32 of shape (n, dimensions), each of norm 1.

        Raises EncodingError where the model fails or gives anything but finite numbers of that shape.
        """
        rows_of: dict[int, list[int]] = {}
        for row, window in enumerate(windows):
            rows_of.setdefault(len(window), []).append(row)
        if len(rows_of) == 1 and len(windows) <= self.room(windows[0]):
            return self._checked(windows)
        vectors = np.empty((len(windows), self.dimensions), np.float32)
        for rows in rows_of.values():
            room = self.room(windows[rows[0]])
            for start in range(0, len(rows), room):
                run = rows[start : start + room]
                vectors[run] = self._checked([windows[row] for row in run])
        return vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts that each fit one window. Raises ValueError for one that does not."""
        windows = []
        for index, text in enumerate(texts):
            first, *more = self.windows(self.tokenize(text))
            if more:
                raise ValueError(f"text {index} is longer than the {self.max_tokens} tokens that the model reads")
            windows.append(first)
        return self.embed(windows)

    def _reads_alike_together(self) -> bool:
        """Whether this processor's arithmetic gives windows the same bits in one run as alone."""
        probe = self.tokenize(_PROBE)
        windows = [self.windows(probe[turn:] + probe[:turn])[0] for turn in range(len(probe))]
        return np.array_equal(self._run(windows), np.concatenate([self._run([window]) for window in windows]))

    def _checked(self, windows: Sequence[Sequence[int]]) -> Vectors:
        found = self._run(windows)
        if found.shape[1] != self.dimensions:
            raise EncodingError(f"the embedding model gave {found.shape[1]} numbers instead of {self.dimensions}")
        return found

    def _run(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows of one length, in one run of the model."""
        length = len(windows[0])
        if not 0 < length <= self.max_tokens:
            raise EncodingError(f"a window of {length} tokens")
        try:
            found = self._session.run([self._output], self._feed(windows))[0]
        except Exception as error:  # ONNX Runtime's errors have no common type of their own
            raise EncodingError(f"the embedding model failed: {reason(error)}") from error
        return _unit(_pooled(np.asarray(found, np.float32), self._output, len(windows), length))

    def _feed(self, windows: Sequence[Sequence[int]]) -> dict[str, npt.NDArray[np.integer]]:
        shape = (len(windows), len(windows[0]))
        return {
            name: np.array(windows, integer) if name == _IDS else np.full(shape, _FILLED[name], integer)
            for name, integer in self._inputs.items()
        }


def digest_of(files: ModelFiles) -> str:
    """The SHA-256, in hex, of all files that decide what the vectors are."""
    beside = [files.onnx.with_name(files.onnx.name + suffix) for suffix in _EXTERNAL_DATA]
    total = sha256()
    for path in (files.onnx, files.tokenizer, *(path for path in beside if path.is_file())):
        total.update(bytes.fromhex(file_sha256(path)))
    return total.hexdigest()


def _inputs(session: InferenceSession) -> dict[str, type[np.integer]]:
    types = {given.name: given.type for given in session.get_inputs()}
    if not types.keys() >= _REQUIRED or types.keys() - _REQUIRED - _OPTIONAL:
        raise ValueError(f"its inputs are {', '.join(types)}, not input_ids and attention_mask")
    for name, kind in types.items():
        if kind not in _INTEGERS:
            raise ValueError(f"its input {name} is {kind}, not int64 or int32")
    return {name: _INTEGERS[kind] for name, kind in types.items()}


def _output(session: InferenceSession) -> str:
    names = [output.name for output in session.get_outputs()]
    for known in (_WHOLE, _HIDDEN):
        if known in names:
            return known
    raise ValueError(f"its outputs are {', '.join(names)}, not {_WHOLE} or {_HIDDEN}")


def _pooled(found: Vectors, output: str, texts: int, tokens: int) -> Vectors:
    """One vector a text: the output itself or, where it has one vector a token, their means."""
    if output == _WHOLE and found.ndim == 2 and found.shape[0] == texts:
        return found
    if output == _HIDDEN and found.ndim == 3 and found.shape[:2] == (texts, tokens):
        return np.asarray(found.mean(axis=1), np.float32)
    raise EncodingError(f"the embedding model's output {output} has shape {found.shape}")


def _unit(vectors: Vectors) -> Vectors:
    # Ufuncs alone: right after the model has run, nothing is in the caches, and numpy's own Python costs most of all.
    norms = np.sqrt(np.add.reduce(vectors * vectors, axis=1, keepdims=True))
    if not all(0.0 < norm < math.inf for (norm,) in norms.tolist()):
        raise EncodingError("the embedding model gave a vector that is zero or not finite")
    return np.asarray(vectors / norms, np.float32)
