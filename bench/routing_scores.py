"""How routing is scored: AIMux itself, two plain references by the same thresholds, and semantic-router beside them."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from aimux.config.load import load_text
from aimux.core.policy import Policy
from aimux.core.scores import Found, Scores
from aimux.gateway.trials import attempt, by_meaning_alone
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.model import ModelFiles
from aimux.intent.quality import Outcome, Trial
from aimux.intent.reader import load_reader
from bench import ROOT, BenchError
from bench.routing_draws import Draw
from bench.routing_report import OURS

MAXIMUM: Final = "nearest intent"
CENTROID: Final = "centroid"
_PEER: Final = Path(__file__).with_name("semantic_router_peer.py")
_SECONDS: Final = 1800

Score = Callable[[str], Found]


class RememberingEncoder(Encoder):
    """An encoder that reads each window once: the same texts come back in many draws."""

    def __init__(self, *given: Any) -> None:
        self._kept: dict[tuple[int, ...], Vectors] = {}
        super().__init__(*given)

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of windows, as the model gave them the first time."""
        keys = [tuple(window) for window in windows]
        new = [key for key in dict.fromkeys(keys) if key not in self._kept]
        if new:
            self._kept.update(zip(new, super().embed(new), strict=True))
        return np.stack([self._kept[key] for key in keys])


@dataclass(frozen=True, slots=True)
class Bed:
    """One draw with its configuration: the defaults of the product around the draw's routes."""

    draw: Draw
    policy: Policy
    max_tokens: int

    @classmethod
    def of(cls, draw: Draw) -> "Bed":
        """The configuration of a draw."""
        routes = [
            {"name": name, "upstream": "http://127.0.0.1:1", "intents": list(intents)}
            for name, intents in draw.routes.items()
        ]
        # JSON is YAML. What looks like a name of the environment in a text is only text.
        text = json.dumps({"routes": routes}, ensure_ascii=False).replace("${", "$${")
        loaded = load_text(text, draw.case, {}, ROOT)
        return cls(draw, by_meaning_alone(loaded.policy), loaded.config.semantic_engine.max_tokens)

    def try_all(self, score: Score) -> list[Trial]:
        """What the gateway decides on each row, with this score."""
        return [attempt(text, expected, kind, self.policy, score) for text, expected, kind in self.draw.rows]


def own(bed: Bed, encoder: Encoder, files: ModelFiles) -> dict[str, list[Trial]]:
    """The trials of AIMux's score, and of the references."""
    found = {OURS: bed.try_all(load_reader(bed.policy, files, bed.max_tokens, encoder).score)}
    vectors = {name: encoder.encode(intents) for name, intents in bed.draw.routes.items()}
    texts = list(dict.fromkeys(text for text, _, _ in bed.draw.rows))
    rows = encoder.encode(texts)
    for name, reference in ((MAXIMUM, _nearest), (CENTROID, _centroid)):
        columns = [reference(rows, each) for each in vectors.values()]
        scores = np.clip(np.stack(columns, axis=1), 0.0, 1.0).tolist()
        known = {text: Scores(tuple(values)) for text, values in zip(texts, scores, strict=True)}
        found[name] = bed.try_all(known.__getitem__)
    return found


def _nearest(rows: Vectors, intents: Vectors) -> Vectors:
    found: Vectors = (rows @ intents.T).max(axis=1)
    return found


def _centroid(rows: Vectors, intents: Vectors) -> Vectors:
    middle = intents.sum(axis=0)
    found: Vectors = rows @ (middle / np.linalg.norm(middle))
    return found


def by_semantic_router(python: Path, drawn: Sequence[Draw], encoder: Encoder) -> list[list[Trial]]:
    """The trials of each draw by semantic-router as it comes, in its own environment, on the same vectors."""
    texts = list(dict.fromkeys(text for draw in drawn for text in _texts(draw)))
    place = {text: number for number, text in enumerate(texts)}
    asked = [
        {
            "routes": {name: [place[intent] for intent in intents] for name, intents in draw.routes.items()},
            "rows": [place[text] for text, _, _ in draw.rows],
        }
        for draw in drawn
    ]
    with TemporaryDirectory() as folder:
        np.save(Path(folder, "vectors.npy"), encoder.encode(texts))
        Path(folder, "asked.json").write_text(json.dumps(asked))
        _run([str(python), str(_PEER), folder])
        answers = json.loads(Path(folder, "answers.json").read_text())
    return [
        [_trial(row, answer) for row, answer in zip(draw.rows, answered, strict=True)]
        for draw, answered in zip(drawn, answers, strict=True)
    ]


def _texts(draw: Draw) -> list[str]:
    return [text for texts in (*draw.routes.values(), [text for text, _, _ in draw.rows]) for text in texts]


def _run(command: Sequence[str]) -> None:
    environment: Mapping[str, str] = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": ""}
    try:
        done = subprocess.run(  # noqa: S603  (our own script, in the peer's environment)
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            f"semantic-router was not done within {_SECONDS} s: leave it out with --without-peer"
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BenchError(f"semantic-router failed: {last}: leave it out with --without-peer")


def _trial(row: tuple[str, str | None, Any], answer: tuple[str | None, float]) -> Trial:
    text, expected, kind = row
    best, score = answer
    outcome = Outcome.NO_MATCH if best is None else Outcome.FORWARDED
    return Trial(text, expected, kind, outcome, best, score, best=best, best_score=score)
