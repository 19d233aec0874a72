"""What a new text costs with few and with many intents, in a process of its own.

    python -m bench.intents MODEL.onnx BODIES COUNT [COUNT ...]

prints one line of JSON: for each number of intents, the median seconds from a text to its decision. Intents are random
directions instead of embedded sentences: what they mean does not change what comparing with them costs.
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from aimux.core.decision import decide
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.request import Facts, Reading
from aimux.core.scores import TextTooLong
from aimux.core.standing import INITIAL
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.index import IntentIndex
from aimux.intent.model import locate
from aimux.intent.reader import TextReader
from bench.spread import percentile

_INTENTS_A_ROUTE: Final = 10
_UPSTREAM: Final = Upstream("http://127.0.0.1:1", secure=False, host="127.0.0.1", port=1, base_path="")


def reader_of(encoder: Encoder, count: int) -> tuple[TextReader, Policy]:
    """A reader over so many intents, ten a route, and the configuration that they belong to."""
    routes = tuple(
        Route(f"r{number}", _UPSTREAM, Access.OPEN, intents=tuple(map(str, range(_INTENTS_A_ROUTE))))
        for number in range(max(count // _INTENTS_A_ROUTE, 1))
    )
    policy = Policy.of(routes)
    vectors: Vectors = np.random.default_rng(count).standard_normal((count, encoder.dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TextReader(encoder, IntentIndex(policy, vectors), 8192), policy


def main(model: str, bodies: str, *counts: str) -> None:
    """Time each number of intents, text by text in turns."""
    encoder = Encoder.load(locate(Path(model)))
    texts = [json.loads(line)["query"] for line in Path(bodies).read_text().splitlines()]
    readers = {count: reader_of(encoder, int(count)) for count in counts}
    took: dict[str, list[float]] = {count: [] for count in counts}
    for text in texts:
        for count, (reader, policy) in readers.items():
            started = time.perf_counter()
            scores = reader.score(text)
            if isinstance(scores, TextTooLong):
                raise SystemExit("a text is too long")
            decide(Facts(Reading(text=text), body=Reading(), scores=scores), policy, INITIAL)
            took[count].append(time.perf_counter() - started)
    sys.stdout.write(json.dumps({count: percentile(times, 0.5) for count, times in took.items()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
