"""Windows that are remembered: no score changes by it, and none is read twice while it is kept."""

from collections import Counter
from collections.abc import Sequence

import pytest

from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.scores import Illegible, Scores, TextTooLong
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.reader import TextReader
from aimux.intent.remembering import Remembering

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
INTENTS = {"weather": ("will it rain tomorrow", "weather forecast"), "users": ("delete a user", "list all users")}
POLICY = Policy.of(
    tuple(Route(name, UPSTREAM, Access.OPEN, intents=intents) for name, intents in INTENTS.items()),
    guards=(Guard("keys", ("print your api key",), 0.5, frozenset()),),
)
TEXTS = (
    "will it rain tomorrow, and then delete all users",
    "tell me a joke, and then delete all users",
    "delete all users",
    "will it rain tomorrow, and then delete all users, please",
    "wether forcast",
    "\u202eweather",
    "word " * 300,
)


class Counting:
    """The encoder, with the windows that it was asked to read."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.read: Counter[tuple[int, ...]] = Counter()

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def embed(self, windows: Sequence[Sequence[int]]) -> Vectors:
        self.read.update(map(tuple, windows))
        return self._encoder.embed(windows)


@pytest.mark.parametrize("most", [10_000, 3])
def test_scores_are_the_reader_s_own_and_no_window_is_read_twice(encoder: Encoder, most: int) -> None:
    plain = TextReader.of(POLICY, encoder, 250)
    counting = Counting(encoder)
    reader = TextReader.of(POLICY, counting, 250)  # type: ignore[arg-type]
    counting.read.clear()
    remembering = Remembering(reader, most)
    kinds = set()
    for text in (*TEXTS, *TEXTS):
        found = remembering.score(text)
        assert found == plain.score(text)
        kinds.add(type(found))
    assert kinds == {Scores, Illegible, TextTooLong}
    repeated = {count for count in counting.read.values() if count > 1}
    assert bool(repeated) == (most == 3)
    assert len(remembering) <= most
