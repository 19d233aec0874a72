"""The scores that the routing benchmark compares: our own, the references and the peer's."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from aimux.intent.model import MODEL_NAME, ModelFiles
from aimux.intent.quality import Kind, Outcome
from bench import routing, routing_scores
from bench.peers import SEMANTIC_ROUTER, find
from bench.routing_draws import Draw
from bench.routing_report import (
    OURS,
    PEER,
)

ROOT = Path(__file__).parents[2]

PYTHON = find(SEMANTIC_ROUTER, install=False)


class Numbers:
    """An encoder whose vectors say which route a text is of."""

    def encode(self, texts: Any) -> Any:
        import numpy as np

        return np.array([[text.startswith("red"), text.startswith("blue"), 0.1] for text in texts], np.float32)


def test_the_peer_is_asked_by_numbers_and_its_answers_are_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Draw(
        "a case",
        {"red": ("red 1", "red 2"), "blue": ("blue 1",)},
        (("red 3", "red", None), ("blue 3", "blue", None), ("grey", None, Kind.FAR)),
    )
    seen: dict[str, Any] = {}

    def run(command: list[str]) -> None:
        place = Path(command[-1])
        seen.update(json.loads((place / "asked.json").read_text())[0])
        (place / "answers.json").write_text(json.dumps([[["red", 0.9], ["red", 0.8], [None, 0.0]]]))

    monkeypatch.setattr(routing_scores, "_run", run)
    (trials,) = routing_scores.by_semantic_router(Path("python"), [draw], Numbers())  # type: ignore[arg-type]
    assert seen == {"routes": {"red": [0, 1], "blue": [2]}, "rows": [3, 4, 5]}
    right, wrong, far = trials
    assert (right.is_right, wrong.is_right, far.is_right) == (True, False, True)
    assert (wrong.outcome, wrong.route, wrong.score, far.outcome) == (Outcome.FORWARDED, "red", 0.8, Outcome.NO_MATCH)


@pytest.mark.skipif(isinstance(PYTHON, str), reason=f"{PEER}: {PYTHON}")
def test_the_peer_takes_the_mean_of_its_nearest_five_and_refuses_nothing() -> None:
    assert isinstance(PYTHON, Path)
    # Of the five that are nearest to the first row two are of blue, and three of red are not alike at all.
    routes = {"red": ("red 1", "red 2", "red 3", "red 4"), "blue": ("blue 1", "other 1")}
    draw = Draw("a case", routes, (("blue 3", "blue", None), ("other 2", None, Kind.FAR)))
    (trials,) = routing_scores.by_semantic_router(PYTHON, [draw], Numbers())  # type: ignore[arg-type]
    assert [trial.outcome for trial in trials] == [Outcome.FORWARDED] * 2
    # Nothing but the third number is common to blue and other: their cosine is 0.1 over the root of 1.01.
    blue = trials[0]
    assert (blue.best, round(blue.score, 4)) == ("blue", round((1 + 0.1 / 1.01**0.5) / 2, 4))


def test_a_peer_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module' >&2; exit 3\n")
    python.chmod(0o755)
    draw = Draw("a case", {"red": ("red",)}, (("red 3", "red", None),))
    with pytest.raises(routing.BenchError, match="semantic-router failed: no module: leave it out with --without-peer"):
        routing_scores.by_semantic_router(python, [draw], Numbers())  # type: ignore[arg-type]


def test_a_draw_is_tried_by_the_real_score_and_the_references() -> None:
    files = ModelFiles.at(ROOT / "models" / MODEL_NAME)
    encoder = routing_scores.RememberingEncoder.load(files)
    routes = {"math": ("add two numbers", "what is ${HOME} times 2"), "weather": ("will it rain", "how warm is it")}
    draw = Draw("a case", routes, (("what is 3 plus 4", "math", None), ("paint a dog", None, Kind.FAR)))
    bed = routing_scores.Bed.of(draw)
    assert [route.intents for route in bed.policy.routes] == list(routes.values())
    found = routing_scores.own(bed, encoder, files)
    assert list(found) == [OURS, routing_scores.MAXIMUM, routing_scores.CENTROID]
    for trials in found.values():
        assert trials[0].best == "math"
        assert 0.0 <= trials[1].score < trials[0].score <= 1.0
    nearest, centroid = (found[name][0].score for name in (routing_scores.MAXIMUM, routing_scores.CENTROID))
    assert nearest != centroid
    text = encoder.encode(["what is 3 plus 4"])[0]
    intents = encoder.encode(routes["math"])
    assert math.isclose(nearest, (intents @ text).max(), abs_tol=1e-6)
    middle = intents.sum(axis=0)
    assert math.isclose(centroid, middle @ text / (middle @ middle) ** 0.5, abs_tol=1e-6)
    # Read again, the model is not asked.
    encoder._session = None  # type: ignore[assignment]
    assert (encoder.encode(["what is 3 plus 4"])[0] == text).all()
