"""From text to token ids and back into the windows that a model reads."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tokenizers import Encoding, Tokenizer
from tokenizers.models import Unigram, WordPiece

from aimux.intent.model import ModelError, ModelFiles

_PROBE: Final = "a"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenizer that never cuts or pads, and the special tokens that it puts before and after a text."""

    tokenizer: Tokenizer
    before: tuple[int, ...]
    after: tuple[int, ...]
    highest_id: int
    unknown: int | None = None
    """The token that stands for all that the tokenizer has no token for; None where it has one for every byte."""

    @classmethod
    def load(cls, files: ModelFiles) -> "Tokens":
        """Read the tokenizer beside a model. Raises ModelError where it is missing or broken."""
        if not files.tokenizer.is_file():
            raise ModelError(f"the embedding model's {files.tokenizer} is missing; {files.remedy}")
        try:
            return cls.of(Tokenizer.from_file(str(files.tokenizer)))
        except Exception as error:  # the package raises bare Exception
            problem = f"the embedding model's {files.tokenizer} is broken"
            raise ModelError(f"{problem} ({_first_line(error)}); {files.remedy}") from error

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Tokens":
        """Take a tokenizer over. Raises ValueError where it knows no ordinary token."""
        # One text is no work for several threads, and the threads would outlive it.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True  # "[SEP]" in a text is text, never a token that ends it
        before, after = _around(tokenizer.encode(_PROBE))
        highest = max(tokenizer.get_vocab(with_added_tokens=True).values())
        return cls(tokenizer, before, after, highest, _unknown(tokenizer))

    @property
    def special_count(self) -> int:
        """How many tokens of a window are not text."""
        return len(self.before) + len(self.after)

    @property
    def longest_word(self) -> int | None:
        """From how many characters on a word is unknown whatever they are, less one; None where that is never so."""
        model = self.tokenizer.model
        return model.max_input_chars_per_word if isinstance(model, WordPiece) else None

    def words(self) -> list[str]:
        """The words that are one token each, in small letters, in the order of their ids: about the commonest first.

        None for a tokenizer that is not of the WordPiece kind: others do not tell words from pieces of words.
        """
        if not isinstance(self.tokenizer.model, WordPiece):
            return []
        ids = self.tokenizer.get_vocab(with_added_tokens=False)
        words = (
            word for word in sorted(ids, key=ids.__getitem__) if len(word) > 1 and word.isascii() and word.isalpha()
        )
        return list(dict.fromkeys(word.lower() for word in words))

    def ids(self, text: str) -> list[int]:
        """All of a text's tokens, without special ones. Raises TypeError for half of a surrogate pair."""
        # Of the package's ways to do it only this one gives other threads their turn meanwhile.
        return list(self.tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each of these tokens stands in the text: its first character, and the one behind its last.

        Raises TypeError for half of a surrogate pair.
        """
        return list(self.tokenizer.encode(text, add_special_tokens=False).offsets)

    def wrap(self, ids: Sequence[int]) -> list[int]:
        """One window: special tokens around text."""
        return [*self.before, *ids, *self.after]


def _unknown(tokenizer: Tokenizer) -> int | None:
    model = tokenizer.model
    if isinstance(model, Unigram):
        # The package has no name for it but in what it saves.
        unknown: int | None = json.loads(model.__getstate__())["unk_id"]
        return unknown
    return None if model.unk_token is None else tokenizer.token_to_id(model.unk_token)


def _around(coded: Encoding) -> tuple[tuple[int, ...], tuple[int, ...]]:
    inside = [place for place, special in enumerate(coded.special_tokens_mask) if not special]
    if not inside:
        raise ValueError("the tokenizer knows no ordinary token")
    return tuple(coded.ids[: inside[0]]), tuple(coded.ids[inside[-1] + 1 :])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
