"""The chain: each line of the log carries its number and the hash of the line before it."""

import re
from dataclasses import dataclass
from hashlib import sha256 as _sha256
from typing import Final

_NOTHING: Final = "0" * 64
_OPENING: Final = re.compile(rb'\{"seq":([0-9]{1,18}),"prev":"([0-9a-f]{64})",')


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come: `count` records so far, `digest` the SHA-256 of the last line, in hex."""

    count: int
    digest: str


GENESIS: Final = Head(0, _NOTHING)
"""Before the first record."""


def linked(number: int, previous: str, body: str) -> bytes:
    """The line of a record, without its end; `body` is a JSON object of ASCII without its first brace."""
    return f'{{"seq":{number},"prev":"{previous}",{body}'.encode("ascii")


def digest_of(line: bytes) -> str:
    """The hash of a line, without its end, as the next line carries it."""
    return _sha256(line).hexdigest()


def number_of(line: bytes) -> int | None:
    """The number that a line says it has; None for what is no line of a chain."""
    opening = _OPENING.match(line)
    return int(opening.group(1)) if opening and line.endswith(b"}") else None


def previous_of(line: bytes) -> str:
    """The hash of the line before that a line says; that of nothing for what is no line of a chain."""
    opening = _OPENING.match(line)
    return opening.group(2).decode("ascii") if opening else _NOTHING


def follows(head: Head, line: bytes) -> bool:
    """Whether a line, without its end, is the next one of a chain."""
    return line.startswith(b'{"seq":%d,"prev":"%b",' % (head.count + 1, head.digest.encode("ascii"))) and (
        line.endswith(b"}")
    )


def after(head: Head, line: bytes) -> Head:
    """Where the chain stands once a line has been added that follows."""
    return Head(head.count + 1, digest_of(line))
