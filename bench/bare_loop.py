"""The bare loop that new texts are compared with: tokenizer and model and nothing else, in a process of its own.

    python -m bench.bare_loop MODEL.onnx BODIES SECONDS PAUSE

prints one line of JSON: how many texts were embedded, in how many seconds, the median of one text, and how the core was
used meanwhile. With a PAUSE, in seconds, the loop rests before each text, which is not part of the text's time: a model
that has rested is slower.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from aimux.intent.encoder import Encoder
from aimux.intent.model import locate
from bench.machine import core_seconds
from bench.spread import percentile

_WARM_UP: Final = "warm up the model and the caches of the machine"
_WARM_UPS: Final = 20


class Embedder(Protocol):
    """What the loop runs: an Encoder."""

    def tokenize(self, text: str) -> list[int]:
        """A text's tokens."""

    def windows(self, ids: Sequence[int]) -> list[list[int]]:
        """The windows of these tokens."""

    def embed(self, windows: Sequence[Sequence[int]]) -> object:
        """The vectors of these windows."""


def embed_all(encoder: Embedder, texts: Sequence[str], seconds: float, pause: float = 0) -> tuple[list[float], float]:
    """Embed text after text for some seconds; the seconds of each, and of all. Raises ValueError on shortage."""
    took: list[float] = []
    started = last = time.perf_counter()
    for text in texts:
        if last - started >= seconds:
            return took, last - started
        if pause:
            time.sleep(pause)
            last = time.perf_counter()
        encoder.embed(encoder.windows(encoder.tokenize(text)))
        now = time.perf_counter()
        took.append(now - last)
        last = now
    raise ValueError("there were too few texts")


def main(model: str, bodies: str, seconds: str, pause: str) -> None:
    """Load the model, warm it up, and measure."""
    encoder = Encoder.load(locate(Path(model)))
    texts = [json.loads(line)["query"] for line in Path(bodies).read_text().splitlines()]
    for _ in range(_WARM_UPS):
        encoder.encode([_WARM_UP])
    (core,) = os.sched_getaffinity(0)
    own, whole = time.process_time(), core_seconds(core)
    took, elapsed = embed_all(encoder, texts, float(seconds), float(pause))
    own, whole = time.process_time() - own, core_seconds(core) - whole
    found = {
        "texts": len(took),
        "p50": percentile(took, 0.5),
        "seconds": elapsed,
        "own_seconds": own,
        "core_seconds": whole,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
