"""Collects the problems of one configuration, each defect once."""

from dataclasses import dataclass, field
from typing import Final

from aimux.config.problem import Problem, printable, quoted

Path = tuple[str | int, ...]
_COMMENT: Final = "the # behind this value begins a comment"
_QUOTES: Final = "put the value in quotes if the # belongs to it, or a blank behind the #"


@dataclass(slots=True)
class Report:
    """The problems found so far in `source`.

    A spoiled path has a problem that explains whatever else is wrong there. An incomplete path is a mapping from which
    something unreadable was dropped, so that what it lacks is not reported either. A commented path is a value that a
    comment ends, though what stands behind its # looks like a part of it: whatever is wrong there may come from that.
    """

    source: str
    problems: list[Problem] = field(default_factory=list)
    _told: set[Problem] = field(default_factory=set)
    _spoiled: set[Path] = field(default_factory=set)
    _incomplete: set[Path] = field(default_factory=set)
    _commented: dict[Path, int] = field(default_factory=dict)

    def add(self, path: Path, line: int | None, message: str, remedy: str) -> None:
        """Report a defect at a path, unless the same has been said of it on this line."""
        if path in self._commented:
            remedy = f"{remedy}; {_COMMENT}: {_QUOTES}"
        problem = Problem(self.source, line, where(path), message, remedy)
        if problem not in self._told:
            self._told.add(problem)
            self.problems.append(problem)

    def note_comment(self, path: Path, line: int) -> None:
        """Say that the value at this path ends where a comment begins that may be meant to belong to it."""
        self._commented[path] = line

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each value that a comment may have cut short."""
        return tuple(f"line {line}: {where(path)}: {_COMMENT}: {_QUOTES}" for path, line in self._commented.items())

    def add_variable(self, variable: str, message: str, remedy: str) -> None:
        """Report a defect of a variable of the environment."""
        self.problems.append(Problem("environment", None, printable(variable), message, remedy))

    def spoil(self, path: Path) -> None:
        """Say that nothing more is to be reported at this path or in it."""
        self._spoiled.add(path)

    def unspoil(self, path: Path) -> None:
        """Say that something else stands at this path now."""
        self._spoiled.discard(path)

    def drop_from(self, path: Path) -> None:
        """Say that something was dropped from the mapping at this path."""
        self._incomplete.add(path)

    def is_spoiled(self, path: Path) -> bool:
        """Whether this path, or one that it lies in, is spoiled."""
        return any(path[:depth] in self._spoiled for depth in range(len(path) + 1))

    def is_incomplete(self, path: Path) -> bool:
        """Whether something was dropped from the mapping at this path."""
        return path in self._incomplete or self.is_spoiled(path)


def where(path: Path) -> str:
    """The path as people write it: `routes[0].upstream`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if step.replace("_", "").replace("-", "").isalnum() and len(step) <= 60 else quoted(step)
            text += f".{name}" if text else name
    return printable(text)
