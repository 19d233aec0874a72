"""Prefixes of paths that address routes: what a prefix is, and the table that finds the longest one of a path."""

import re
from dataclasses import dataclass, field
from typing import Final

WELL_KNOWN: Final = ".well-known"
"""The first segment of paths whose place is the host's own (RFC 8615); no prefix holds it."""
LONGEST: Final = 128
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


def check_prefix(text: str) -> None:
    """Check that a text is a prefix: an absolute path of whole segments, each of unreserved characters (RFC 3986).

    Raises ValueError for whatever is none, with what to write instead.
    """
    if len(text) > LONGEST:
        raise ValueError(f"shorten it to {LONGEST} characters")
    if text.endswith("/"):
        raise ValueError("write it without a slash at its end, as in /files, and not as / alone")
    if not _PREFIX.fullmatch(text):
        raise ValueError("write an absolute path of letters, digits and - . _ ~, without escapes, as in /files")
    segments = text.split("/")[1:]
    if "." in segments or ".." in segments:
        raise ValueError("write it without the segments . and ..")
    if WELL_KNOWN in segments:
        raise ValueError(f"choose one without {WELL_KNOWN}: those paths have a meaning of their own on every host")


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix as it stands in a request's path, and the name of the route that it addresses."""

    path: bytes
    route: str


@dataclass(frozen=True, slots=True)
class Address:
    """A request's path, read as one behind a prefix.

    `rest` is the path without the prefix, empty or beginning with a slash. `inserted` is the path of a well-known
    document (`/.well-known/NAME`) that stands before the upstream's base path; empty for every other path.
    """

    prefix: Prefix
    rest: bytes
    inserted: bytes = b""


@dataclass(frozen=True, slots=True)
class PrefixTable:
    """The prefixes of all routes: pairs of a prefix and the name of its route."""

    prefixes: tuple[tuple[str, str], ...]
    _by_path: dict[bytes, Prefix] = field(init=False, repr=False, compare=False)
    _most_segments: int = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = [Prefix(path.encode("ascii"), route) for path, route in self.prefixes]
        object.__setattr__(self, "_by_path", {each.path: each for each in found})
        object.__setattr__(self, "_most_segments", max((each.path.count(b"/") for each in found), default=0))
        object.__setattr__(self, "_hash", hash(self.prefixes))

    def __hash__(self) -> int:
        # Memories of requests are asked by it.
        return self._hash

    def find(self, path: bytes) -> Prefix | None:
        """The longest prefix that a path begins with, by whole segments; None where it begins with none.

        Nothing is decoded, resolved or folded.
        """
        segments = path.split(b"/", self._most_segments + 1)
        for count in range(min(len(segments), self._most_segments + 1), 1, -1):
            found = self._by_path.get(b"/".join(segments[:count]))
            if found is not None:
                return found
        return None
