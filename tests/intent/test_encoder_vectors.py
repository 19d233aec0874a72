"""From windows to vectors, judged by numpy on tiny models and by other software's vectors on the real one."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.intent.encoder import Encoder, EncodingError

TABLE = np.random.default_rng(7).normal(size=(11, 4)).astype(np.float32)
BEGIN, END, RED, GREEN, BLUE, POISON, NOTHING = 2, 3, 5, 6, 7, 8, 9


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("window", [[BEGIN, END], [BEGIN, RED, END], [BEGIN, RED, GREEN, BLUE, RED, END]])
def test_hidden_states_are_averaged_and_normalised(tiny: Any, window: list[int]) -> None:
    encoder = Encoder.load(tiny())

    vectors = encoder.embed([window])

    assert vectors.dtype == np.float32
    assert vectors.shape == (1, 4)
    np.testing.assert_allclose(vectors[0], unit(TABLE[window].mean(axis=0)), atol=1e-6)


def test_token_types_are_those_of_a_first_segment(tiny: Any) -> None:
    encoder = Encoder.load(tiny(inputs=("input_ids", "token_type_ids", "attention_mask")))

    expected = unit((TABLE[[BEGIN, BLUE, END]] + [1, 2, 3, 4]).mean(axis=0))

    np.testing.assert_allclose(encoder.embed([[BEGIN, BLUE, END]])[0], expected, atol=1e-6)


@pytest.mark.parametrize("outputs", [("sentence_embedding",), ("last_hidden_state", "sentence_embedding")])
def test_a_pooled_output_is_taken_as_it_is_and_normalised(tiny: Any, outputs: tuple[str, ...]) -> None:
    encoder = Encoder.load(tiny(outputs=outputs))
    window = [BEGIN, RED, RED, GREEN, END]

    vector = encoder.embed([window])[0]

    np.testing.assert_allclose(vector, unit(TABLE[window].max(axis=0)), atol=1e-6)


@pytest.mark.parametrize(("word", "row"), [(POISON, [np.nan] * 4), (POISON, [np.inf, 0, 0, 0]), (NOTHING, [0] * 4)])
def test_a_vector_that_is_no_direction_is_an_error(tiny: Any, word: int, row: list[float]) -> None:
    table = TABLE.copy()
    table[word] = row
    table[[BEGIN, END]] = [[1, 0, 0, 0], [-1, 0, 0, 0]]
    encoder = Encoder.load(tiny(table=table))

    with pytest.raises(EncodingError):
        encoder.embed([[BEGIN, RED, END], [BEGIN, word, END]])

    assert encoder.embed([[BEGIN, RED, END]]).shape == (1, 4)


@pytest.mark.parametrize("window", [[], [BEGIN] * 257, [BEGIN, 11, END], [BEGIN, -99, END]])
def test_a_window_that_the_model_cannot_read_is_an_error(tiny: Any, window: list[int]) -> None:
    encoder = Encoder.load(tiny())

    with pytest.raises(EncodingError):
        encoder.embed([window])


def test_a_vector_of_another_length_is_an_error(tiny: Any) -> None:
    encoder = Encoder.load(tiny(outputs=("sentence_embedding",), axis="axis2", marks={"aimux.max_tokens": "99"}))

    with pytest.raises(EncodingError, match="7 numbers instead of"):
        encoder.embed([[BEGIN] * 7])


def test_no_windows_give_no_vectors(tiny: Any) -> None:
    assert Encoder.load(tiny()).embed([]).shape == (0, 4)


def test_encode_keeps_the_order(tiny: Any) -> None:
    encoder = Encoder.load(tiny())
    texts = ["red " * 40, "blue", "green red", "blue", ""]

    together = encoder.encode(texts)

    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(vector, encoder.encode([text])[0])
    assert len({vector.tobytes() for vector in together}) == 4


def test_encode_names_the_text_that_is_too_long(tiny: Any) -> None:
    encoder = Encoder.load(tiny())
    fits, longer = "red " * 254, "red " * 255

    assert encoder.encode([fits]).shape == (1, 4)
    with pytest.raises(ValueError, match="text 2 is longer than the 256 tokens"):
        encoder.encode(["red", fits, longer, "blue"])


def test_the_real_model_agrees_with_other_software(encoder: Encoder, references: list[Any]) -> None:
    vectors = encoder.encode([reference.text for reference in references])

    cosines = {
        reference.text: float(row @ reference.vector) for reference, row in zip(references, vectors, strict=True)
    }
    assert min(cosines.values()) >= 0.98, min(cosines, key=lambda text: cosines[text])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_references_would_show_a_wrong_model(references: list[Any]) -> None:
    """Different texts are far apart, so a cosine of 0.98 cannot come about by chance."""
    rows = np.stack([reference.vector for reference in references])
    others = rows @ rows.T - 2 * np.eye(len(rows))

    assert others.max() < 0.9


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder, references: list[Any]) -> None:
    windows = [reference.ids for reference in references]

    together = encoder.embed(windows)

    for window, vector in zip(windows, together, strict=True):
        np.testing.assert_array_equal(encoder.embed([window])[0], vector)


def test_threads_may_share_an_encoder(encoder: Encoder, references: list[Any]) -> None:
    texts = [reference.text for reference in references[:12]]
    alone = encoder.encode(texts)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: encoder.encode(texts), range(8)))

    for result in results:
        np.testing.assert_array_equal(result, alone)


WORDS = [
    "delete",
    "all",
    "users",
    "analyse",
    "the",
    "budget",
    "of",
    "Q3,",
    "50",
    "%",
    "naïve",
    "über-café",
    "東京",
    "zzxqy",
]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(SENTENCES, min_size=2, max_size=12))
def test_a_vector_does_not_depend_on_what_else_is_read_in_the_same_run(encoder: Encoder, texts: list[str]) -> None:
    windows = [window for text in texts for window in encoder.windows(encoder.tokenize(text))]
    alone = np.concatenate([encoder.embed([window]) for window in windows])

    np.testing.assert_array_equal(encoder.embed(windows), alone, strict=True)


def test_our_own_model_reads_windows_of_one_length_in_few_runs(encoder: Encoder, monkeypatch: Any) -> None:
    runs: list[tuple[int, int]] = []
    whole = Encoder._run

    def counted(self: Encoder, windows: Any) -> Any:
        runs.append((len(windows), len(windows[0])))
        return whole(self, windows)

    monkeypatch.setattr(Encoder, "_run", counted)
    short, long = encoder.windows([2000] * 6)[0], encoder.windows([2000] * 200)[0]
    encoder.embed([short, long, short, long, *[short] * 18])

    assert encoder.room(short) == 12
    assert runs == [(12, 8), (8, 8), (1, 202), (1, 202)]


def test_a_model_that_is_not_known_to_allow_it_reads_one_window_at_a_time(tiny: Any) -> None:
    window = [BEGIN, RED, END]

    assert Encoder.load(tiny()).room(window) == 1
    assert Encoder.load(tiny(marks={"aimux.precision": "fp32"})).room(window) == 1
    assert Encoder.load(tiny(marks={"aimux.precision": "int8"})).room(window) > 1


def test_a_model_whose_vectors_come_out_differently_together_reads_one_window_at_a_time(
    tiny: Any, monkeypatch: Any
) -> None:
    whole = Encoder._run
    monkeypatch.setattr(Encoder, "_run", lambda self, windows: whole(self, windows) + np.float32(len(windows) * 1e-7))

    assert Encoder.load(tiny(marks={"aimux.precision": "int8"})).room([BEGIN, RED, END]) == 1
