"""Routes by semantic-router with what it does by default; runs in that package's own environment.

    python semantic_router_peer.py FOLDER

reads `vectors.npy` (one row a text) and `asked.json` (for each draw its routes' intents and its rows, as numbers of
texts) and writes `answers.json`: for each row the name of the route that is chosen, and the confidence in it.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from semantic_router import IndexedRouter, Route
from semantic_router.encoders import DenseEncoder
from semantic_router.index import LocalIndex


class Known(DenseEncoder):  # type: ignore[misc]
    """An encoder that has all vectors already. A text is its number.

    The class that it is made from is only in the peer's environment, so that mypy knows nothing of it.
    """

    vectors: Any

    def __call__(self, docs: list[str]) -> list[list[float]]:
        """The vectors of texts."""
        found: list[list[float]] = self.vectors[[int(text) for text in docs]].tolist()
        return found

    async def acall(self, docs: list[str]) -> list[list[float]]:
        """The same, without a thread."""
        return self(docs)


async def answers(asked: dict[str, Any], encoder: Known) -> list[tuple[str | None, float]]:
    """What one router chooses for each row."""
    routes = [Route(name=name, utterances=list(map(str, texts))) for name, texts in asked["routes"].items()]
    router = IndexedRouter(encoder=encoder, routes=routes, index=LocalIndex())
    chosen = [await router.acall(str(text)) for text in asked["rows"]]
    return [(choice.name, choice.confidence or 0.0) for choice in chosen]


def main(folder: Path) -> None:
    """Answer every draw."""
    encoder = Known(name="known", vectors=np.load(folder / "vectors.npy"))
    asked = json.loads((folder / "asked.json").read_text())
    found = [asyncio.run(answers(each, encoder)) for each in asked]
    (folder / "answers.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
