"""From text to tokens to windows: nothing is cut, nothing in a text is more than text."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.intent.encoder import Encoder, EncodingError


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, make_tiny: Any) -> Encoder:
    """An encoder that reads eleven tokens at a time, two of them special."""
    return Encoder.load(make_tiny(tmp_path_factory.mktemp("narrow"))(marks={"aimux.max_tokens": "11"}))


def test_tokens_are_those_of_other_software(encoder: Encoder, references: list[Any]) -> None:
    for reference in references:
        assert encoder.windows(encoder.tokenize(reference.text)) == [reference.ids]


def test_the_tokenizers_own_cutting_and_padding_is_off(tiny: Any) -> None:
    encoder = Encoder.load(tiny())

    assert len(encoder.tokenize("red " * 5000)) == 5000
    assert encoder.tokenize("") == []
    assert encoder.windows([]) == [[2, 3]]


@pytest.mark.parametrize("name", ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"])
def test_the_name_of_a_special_token_is_only_text(encoder: Encoder, name: str) -> None:
    special = {encoder._tokens.tokenizer.token_to_id(name)}

    ids = encoder.tokenize(f"before {name} after")

    assert None not in special
    assert not special & set(ids)
    assert len(ids) > 4


def test_half_a_surrogate_pair_is_an_error(encoder: Encoder) -> None:
    with pytest.raises(EncodingError):
        encoder.tokenize("a\ud800b")


def test_a_model_may_read_less_than_the_default(narrow: Encoder) -> None:
    assert narrow.max_tokens == 11
    assert [len(window) for window in narrow.windows([5] * 9)] == [11]
    with pytest.raises(ValueError, match="text 0 is longer than the 11 tokens"):
        narrow.encode(["red " * 10])
    with pytest.raises(EncodingError):
        narrow.embed([[5] * 12])


def test_a_model_that_claims_more_than_the_default_is_read_at_the_default(tiny: Any) -> None:
    assert Encoder.load(tiny(marks={"aimux.max_tokens": "512"})).max_tokens == 256


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 120))
def test_windows_hold_all_tokens_in_order_and_overlap(narrow: Encoder, count: int) -> None:
    room, special = 9, 2
    ids = list(range(100, 100 + count))

    windows = narrow.windows(ids)
    texts = [window[1:-1] for window in windows]

    assert all(window[0] == 2 and window[-1] == 3 and len(window) <= room + special for window in windows)
    assert {token for text in texts for token in text} == set(ids)
    assert all(text == list(range(text[0], text[0] + len(text))) for text in texts if text)
    if count <= room:
        assert texts == [ids]
    else:
        assert all(len(text) == room for text in texts)
        overlaps = [len(set(one) & set(two)) for one, two in itertools.pairwise(texts)]
        assert all(room // 4 <= overlap < room for overlap in overlaps)
        assert len(texts) == -(-(count - room) // (room - room // 4)) + 1
