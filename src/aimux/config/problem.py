"""What is wrong with a configuration: where it stands, why, and what to do about it."""

from dataclasses import dataclass
from typing import Final

SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect. `line` counts from 1; `where` is a path such as `routes[0].upstream`, empty for the file itself."""

    source: str
    line: int | None
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        parts = [place, self.where, self.message] if self.where else [place, self.message]
        return printable(f"{': '.join(parts)}; {self.remedy}")


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem in it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        if not problems:
            raise ValueError("a ConfigError needs at least one problem")
        self.problems = tuple(sorted(problems, key=_order))
        super().__init__("\n".join(map(str, self.problems)))


def _order(problem: Problem) -> tuple[bool, int]:
    return (problem.line is None, problem.line or 0)


def printable(text: str) -> str:
    """The text on one line, without characters that could move a terminal's cursor or hide something."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """The text as it is shown in a message: quoted, on one line, shortened."""
    if len(text) > SHOWN_CHARACTERS:
        text = text[: SHOWN_CHARACTERS - 1] + "…"
    escaped = printable(text.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{escaped}"'
