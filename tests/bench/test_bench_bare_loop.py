"""The bare loop of tokenizer and model."""

from collections.abc import Sequence

import pytest

from bench.bare_loop import embed_all


class _Recorder:
    """An encoder whose tokens are code points; keeps what was embedded."""

    def __init__(self) -> None:
        self.embedded: list[Sequence[Sequence[int]]] = []

    def tokenize(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def windows(self, ids: Sequence[int]) -> list[list[int]]:
        return [[0, *ids, 0]]

    def embed(self, windows: Sequence[Sequence[int]]) -> None:
        self.embedded.append(windows)


def test_every_text_goes_through_tokens_windows_and_model() -> None:
    encoder = _Recorder()
    with pytest.raises(ValueError, match="too few"):
        embed_all(encoder, ["a", "bc"], 3600)
    assert encoder.embedded == [[[0, 97, 0]], [[0, 98, 99, 0]]]


def test_the_loop_ends_with_its_time() -> None:
    encoder = _Recorder()
    took, elapsed = embed_all(encoder, ["text"] * 10_000_000, 0.01)
    assert len(took) == len(encoder.embedded) > 0
    assert elapsed >= 0.01
    assert 0 < sum(took) <= elapsed


def test_a_pause_is_no_part_of_a_texts_time() -> None:
    encoder = _Recorder()
    took, elapsed = embed_all(encoder, ["text"] * 1000, 0.1, pause=0.01)
    assert 1 <= len(took) <= 10
    assert sum(took) <= elapsed - 0.01 * len(took)
