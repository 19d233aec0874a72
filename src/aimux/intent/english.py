"""English words, from the list that symspellpy brings: the commonest first, and hardly any misspelt ones."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aimux.intent.model import ModelError
from aimux.intent.words import Vocabulary

_PACKAGE: Final = "symspellpy"
_FILE: Final = "frequency_dictionary_en_82_765.txt"
# A model reads English if it knows nearly all of so many of the commonest words.
_COMMONEST: Final = 1000
_NEARLY_ALL: Final = 0.9


@cache
def english() -> Sequence[str]:
    """Some eighty thousand words in small letters, the commonest first. Raises ModelError where the list is missing."""
    # The package is found, and none of it is run.
    package = find_spec(_PACKAGE)
    try:
        if package is None or package.origin is None:
            raise FileNotFoundError(_PACKAGE)
        listed = Path(package.origin).with_name(_FILE).read_text("utf-8-sig").split()
    except (OSError, UnicodeError) as error:
        missing = f"the list of English words of the package {_PACKAGE} is missing: install AIMux again ({error})"
        raise ModelError(missing) from error
    # Each word has its count behind it.
    return [word for word in listed[::2] if len(word) > 1 and word.isalpha()]


def vocabulary_of(words: Sequence[str]) -> Vocabulary:
    """That of a model that knows these words as such, with the other English ones where English is what it reads.

    Raises ModelError where the list is missing.
    """
    known = frozenset(words)
    reads_english = known and sum(word in known for word in english()[:_COMMONEST]) >= _NEARLY_ALL * _COMMONEST
    return Vocabulary(words, english() if reads_english else ())
