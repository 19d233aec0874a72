"""English words: what is listed, and which models are given them."""

import pytest

from aimux.intent import english as module
from aimux.intent.encoder import Encoder
from aimux.intent.english import english, vocabulary_of
from aimux.intent.model import ModelError


def test_words_are_listed_by_how_common_they_are() -> None:
    words = english()
    assert words[0] == "the"
    assert len(words) == len(set(words)) > 80_000
    assert all(word.isascii() and word.islower() and word.isalpha() and len(word) > 1 for word in words)
    places = {word: place for place, word in enumerate(words)}
    assert places["users"] < places["radiator"] < places["antediluvian"]
    assert not {"teh", "recieve", "adress", "usres"} & places.keys()


def test_a_model_that_reads_english_is_given_the_words_that_it_has_in_pieces(encoder: Encoder) -> None:
    assert "radiator" not in encoder.vocabulary.words
    assert encoder.vocabulary.ranks["radiator"] >= len(encoder.vocabulary.words)


@pytest.mark.parametrize(("known", "given"), [(0, False), (899, False), (900, True), (1000, True)])
def test_a_model_reads_english_if_it_knows_nearly_all_of_the_commonest_words(known: int, *, given: bool) -> None:
    words = [*english()[1000 - known : 1000], *(f"mot{'o' * number}" for number in range(200))]
    assert vocabulary_of(words).words == words
    assert bool(vocabulary_of(words).others) == given


@pytest.mark.parametrize(("package", "file"), [("symspellpy", "no.txt"), ("no_such_package", "words.txt")])
def test_a_missing_list_says_what_to_do(monkeypatch: pytest.MonkeyPatch, package: str, file: str) -> None:
    monkeypatch.setattr(module, "_PACKAGE", package)
    monkeypatch.setattr(module, "_FILE", file)
    english.cache_clear()
    try:
        with pytest.raises(ModelError, match=f"package {package} is missing: install AIMux again"):
            vocabulary_of(["the"])
    finally:
        english.cache_clear()
