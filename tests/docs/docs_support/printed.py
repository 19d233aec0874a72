"""Whether what came is what a document says: `...` stands for anything, and a score may be a little another one."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

_NEAR: Final = 0.03
"""Another processor rounds the model's numbers otherwise."""
_NUMBER: Final = re.compile(r"\d+\.\d+")
_BAR: Final = re.compile("\u2588+")
_ANYTHING: Final = "..."


def is_as_said(said: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether lines are those that are said. A line of dots alone stands for any lines, or none."""

    @cache
    def fits(here: int, there: int) -> bool:
        if here == len(said):
            return there == len(printed)
        if said[here].strip() == _ANYTHING:
            return any(fits(here + 1, behind) for behind in range(there, len(printed) + 1))
        return there < len(printed) and _is_alike(said[here], printed[there]) and fits(here + 1, there + 1)

    return fits(0, 0)


def _is_alike(said: str, printed: str) -> bool:
    pattern, wanted = _pattern(_plain(said))
    found = re.fullmatch(pattern, _plain(printed))
    return found is not None and all(
        abs(float(value) - number) <= _NEAR for value, number in zip(found.groups(), wanted, strict=True)
    )


def _plain(line: str) -> str:
    """A line with one space between its words, and each bar as one sign: both are as wide as there is room."""
    return " ".join(_BAR.sub("\u2588", line).split())


def _pattern(said: str) -> tuple[str, list[float]]:
    """A pattern with a group for each number that has decimals, and these numbers."""
    pattern, wanted, done = "", [], 0
    for token in re.finditer(rf"{_NUMBER.pattern}|\.\.\.", said):
        pattern += re.escape(said[done : token.start()])
        done = token.end()
        if token[0] == _ANYTHING:
            pattern += ".*"
        else:
            pattern += f"({_NUMBER.pattern})"
            wanted.append(float(token[0]))
    return pattern + re.escape(said[done:]), wanted
