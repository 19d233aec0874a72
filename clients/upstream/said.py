"""What an answer of the scripted upstream is made of, whatever API it is told in."""

from dataclasses import dataclass
from typing import Any, Final

MODEL: Final = "gpt-4.1"

Json = dict[str, Any]
Event = tuple[str | None, Json | str]
"""An event of a stream: its type, where the API names one, and its data."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called, with its arguments as JSON."""

    name: str
    arguments: str


def pieces(text: str) -> list[str]:
    """A text in the pieces that a stream brings it in: its words, each with the space before it."""
    words = text.split(" ")
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]
