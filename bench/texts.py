"""Texts to route: distinct sentences of common English words, 8-12 tokens each, and the request bodies around them."""

import json
import math
from collections.abc import Iterator
from typing import Final

_ACTIONS: Final = (
    "review", "compare", "check", "explain", "collect", "describe", "examine", "find", "list", "measure",
    "plan", "prepare", "present", "print", "record", "report", "search", "share", "show", "study",
    "test", "track", "update", "verify",
)  # fmt: skip
_QUALITIES: Final = (
    "annual", "current", "daily", "early", "estimated", "final", "global", "internal", "large", "latest",
    "local", "monthly", "new", "old", "open", "private", "public", "recent", "regional", "small",
    "total", "weekly",
)  # fmt: skip
_THINGS: Final = (
    "accounts", "answers", "bills", "books", "calls", "cases", "changes", "contracts", "costs", "data",
    "documents", "errors", "events", "files", "goals", "letters", "losses", "maps", "meetings", "messages",
    "models", "names", "notes", "numbers", "orders", "pages", "payments", "plans", "prices", "profits",
    "projects", "questions", "records", "reports", "results", "sales", "schedules", "shares", "tasks", "visits",
)  # fmt: skip
_OWNERS: Final = (
    "art", "board", "bank", "design", "energy", "engineering", "factory", "finance", "garden", "health",
    "hotel", "legal", "library", "marketing", "museum", "office", "press", "research", "sales", "security",
    "support", "training", "travel", "warehouse",
)  # fmt: skip
_TIMES: Final = (
    "for this week", "for next month", "since last year", "before the meeting", "after the summer", "until Friday",
    "by tomorrow morning", "during the winter", "in the spring", "on Monday", "from last night", "for the new season",
)  # fmt: skip
_SLOTS: Final = (_ACTIONS, _QUALITIES, _THINGS, _OWNERS, _TIMES)

DISTINCT: Final = math.prod(len(words) for words in _SLOTS)
# Coprime to DISTINCT, so that stepping by it meets every sentence once, and neighbours differ in all of their words.
_STRIDE: Final = 1_000_003


def text(number: int) -> str:
    """The sentence of a number in 0..DISTINCT-1; no two numbers share one."""
    if not 0 <= number < DISTINCT:
        raise ValueError(f"there are {DISTINCT} texts, and {number} is none of them")
    place = number * _STRIDE % DISTINCT
    words = []
    for choices in _SLOTS:
        place, choice = divmod(place, len(choices))
        words.append(choices[choice])
    action, quality, thing, owner, time = words
    return f"{action} the {quality} {thing} of the {owner} team {time}"


def body(number: int) -> str:
    """The JSON body, about 90 bytes in one line, of a request with this text."""
    return json.dumps({"query": text(number), "stream": False})


def conversation(of: str, model: str) -> str:
    """The JSON body, in one line, of a chat completion that asks the text of another body."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": json.loads(of)["query"]}]})


class Supply:
    """Hands out each text once: what came from here before has not been seen by anybody."""

    def __init__(self) -> None:
        self._next = 0

    def bodies(self, count: int) -> Iterator[str]:
        """The bodies of the next `count` texts."""
        first, self._next = self._next, self._next + count
        return (body(number) for number in range(first, first + count))
