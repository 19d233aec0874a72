"""Paths that claim requests without a text: a method and a path, or all paths below one."""

import re
from dataclasses import dataclass, field
from typing import Final

_PATTERN: Final = re.compile(r"([A-Z][A-Z-]{0,31}) ((?:/[!$&'()*+,;=:@%A-Za-z0-9._~-]*)+)")
_WILDCARD: Final = "/*"
# Servers resolve, decode or fold these in different ways: such a path is below no other one.
# The last are control characters, which some leave out, and dots and slashes as no encoder of UTF-8 writes them.
_UNCLEAR: Final = re.compile(
    r"//|/(?:%20)*\.{1,2}(?:[/;%]|$)|%(?:2[efEF]|3[bB]|5[cC]|25)|[;\\]|%(?:[01].|7[fF]|[cC][01]|[eE]0%[89]|[fF]0%8)"
)
_LONGEST: Final = 512


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A method and a path. With `below`, `path` ends with a slash, and everything below it is meant, but not itself."""

    method: str
    path: str
    below: bool = False

    def overlaps(self, other: "PathPattern") -> bool:
        """Whether both could claim the same request."""
        if self.method != other.method:
            return False
        if self.below and other.below:
            return self.path.startswith(other.path) or other.path.startswith(self.path)
        if self.below or other.below:
            above, exact = (self, other) if self.below else (other, self)
            return _is_below(exact.path, above.path)
        return self.path == other.path


def parse_pattern(text: str) -> PathPattern:
    """Read "GET /v1/files/*". Raises ValueError for whatever is no method and path, with what to write instead."""
    found = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError('write a method and a path, such as "GET /v1/files" or "GET /v1/files/*"')
    method, path = found.groups()
    below = path.endswith(_WILDCARD)
    plain = path[:-1] if below else path
    if "*" in plain:
        raise ValueError('* can only be the whole last segment, as in "GET /v1/files/*"')
    if _UNCLEAR.search(plain):
        raise ValueError("write the path as servers resolve it: no empty or dot segments, no encoded slashes")
    if method == "HEAD":
        raise ValueError("write GET, which claims HEAD requests too")
    return PathPattern(method, plain, below)


@dataclass(frozen=True, slots=True)
class PathTable:
    """The patterns of all routes: pairs of a route's place and a pattern of it."""

    patterns: tuple[tuple[int, PathPattern], ...] = ()
    _exact: dict[tuple[str, str], int] = field(init=False, repr=False, compare=False)
    _below: dict[tuple[str, str], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, below in (("_exact", False), ("_below", True)):
            table = {(each.method, each.path): place for place, each in self.patterns if each.below is below}
            object.__setattr__(self, name, table)

    def claim(self, method: str, path: str) -> int | None:
        """The place of the route that claims a request, or None. Nothing is decoded or resolved.

        A path that servers may resolve in different ways is claimed where it is listed exactly, never as one below.
        """
        if method == "HEAD":
            method = "GET"
        found = self._exact.get((method, path))
        if found is not None or not self._below or _UNCLEAR.search(path):
            return found
        end = path.rfind("/", 0, len(path) - 1)
        while end >= 0:
            found = self._below.get((method, path[: end + 1]))
            if found is not None:
                return found
            end = path.rfind("/", 0, end)
        return None


def _is_below(path: str, above: str) -> bool:
    return path.startswith(above) and len(path) > len(above)


NO_PATHS: Final = PathTable()
