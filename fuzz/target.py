"""What a fuzz target is: something to do with bytes, where to begin, and how a broken promise is told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class Finding(Exception):  # noqa: N818  (the field's word)
    """A parser broke one of its promises. Any other exception out of a target is a finding, too."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser under test. `check` raises where it breaks a promise; `tokens` are words of its language.

    Inputs longer than `longest` bytes are not tried.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    tokens: tuple[bytes, ...] = ()
    longest: int = 4096


def expect(promise: str, *, kept: bool) -> None:
    """Raise Finding unless the promise was kept."""
    if not kept:
        raise Finding(promise)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes as they might come in: in pieces of one size."""
    for at in range(0, len(data), size):
        yield data[at : at + size]
