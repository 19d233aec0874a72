"""What stands in the cells of the tables: shortened, and without what differs from one run to the next."""

import re
from typing import Final

from clients.measure import Sighting
from clients.situations import Situation

NOT_THERE: Final = "-"
"""In place of a situation that a client does not get into."""
_LONGEST: Final = 240
_END: Final = 70
_PASSING: Final = (
    (re.compile(r"\b[0-9a-f]{12,}\b"), "…"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "0x…"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d{4,5}\b"), r"\1:PORT"),
    # How a connection ends is a race between two ends.
    (re.compile(r"\[Errno 104\] Connection reset by peer| \(cause: (?:other side closed|read ECONNRESET)\)"), ""),
)


def requests(sighting: Sighting) -> str:
    """How many requests it took: at the gateway, and past it where there were any."""
    past = f" + {sighting.past} past the gateway" if sighting.past else ""
    return f"{sighting.requests}{past}"


def good(sighting: Sighting, situation: Situation) -> bool:
    """Whether the user saw what there was to be seen."""
    sight = sighting.sight
    return sight.answered and situation.good in {None, sight.seen}


def seen(sighting: Sighting, situation: Situation) -> str:
    """What the user saw, as Markdown: the answer, what else came in its place, or an error; and who else was asked."""
    sight = sighting.sight
    if not sight.in_time:
        text = sight.seen
    elif good(sighting, situation) and situation.good is not None:
        text = "the answer"
    else:
        text = ("answer: " if sight.answered else "") + code(sight.seen)
    hosts = ", ".join(dict.fromkeys(sight.reached))
    return f"{text} (asked for {hosts})" if hosts else text


def code(text: str) -> str:
    """A text as code in a table's cell: one line, without what would end it, a long one without its middle."""
    for pattern, instead in _PASSING:
        text = pattern.sub(instead, text)
    text = " ".join(text.split()).removesuffix(":").replace("`", "'").replace("|", "\\|")
    if not text:
        return "nothing"
    # Both ends say something: the class stands at the one, and the code of a refusal at the other.
    return f"`{text if len(text) <= _LONGEST else f'{text[: _LONGEST - _END]} … {text[-_END:]}'}`"


def seconds(sightings: list[Sighting]) -> str:
    """How long it took, from the fastest to the slowest."""
    times = sorted(sighting.sight.seconds for sighting in sightings)
    low, high = f"{times[0]:.1f}", f"{times[-1]:.1f}"
    return low if low == high else f"{low} - {high}"
