"""JSON: what is accepted, the standard library reads as the same value, every key once; the rest has a reason."""

import json
from typing import Final, NoReturn

from aimux.core.reason import Failure
from aimux.wire.decode import read_json
from fuzz import seeds
from fuzz.target import Target, expect

_DEEPEST: Final = 64
_LONGEST_NUMBER: Final = 400


class _Refused(Exception):  # noqa: N818  (what the oracle says no to)
    pass


def check(data: bytes) -> None:
    """Read `data` as JSON."""
    try:
        found = read_json(data)
    except Failure:
        expect("nothing is refused without need", kept=_refused_by_the_rules(data))
        return
    try:
        expected = json.loads(data.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse)
    except (ValueError, RecursionError, _Refused) as error:
        raise AssertionError("the standard library refuses what is accepted") from error
    expect("the standard library reads the same value", kept=_same(found, expected))
    expect("nothing is deeper than the limit", kept=_depth(found) <= _DEEPEST)
    expect("all of it can be written again", kept=bool(json.dumps(found, ensure_ascii=False).encode("utf-8")))


def _refused_by_the_rules(data: bytes) -> bool:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse, parse_int=_int
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError, _Refused):
        return True
    return _depth(value) > _DEEPEST


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Refused
    return dict(pairs)


def _refuse(_: str) -> NoReturn:
    raise _Refused


def _int(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _Refused
    return int(digits)


def _same(one: object, other: object) -> bool:
    """Whether two values are the same, order and kinds of numbers included."""
    return repr(one) == repr(other)


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _seeds() -> list[bytes]:
    return [
        *(b'{"agent": "bee", "query": "a \\u00e9 \\ud83d\\ude00"}', b'{"a": 1, "a": 2}', b'{"a": "\\ud83d"}', b"[NaN]"),
        *(
            b"[" * 64 + b"]" * 64,
            b"[" * 65 + b"]" * 65,
            b'[-1.5e+3, 1e999, true, null, "\\"[{,"]',
            b"9" * 401,
            b"\xef\xbb\xbf{}",
        ),
        *seeds.bodies(),
    ]


TARGET = Target(
    "json",
    check,
    _seeds,
    (
        b'{"',
        b'":',
        b'"agent":',
        b"[[[[[[[[",
        b"]]]]]]]]",
        b"\\u",
        b"\\ud83d",
        b"\\ude00",
        b"NaN",
        b"-Infinity",
        b"null",
        b"1e9",
        b'\\"',
    ),
    longest=2048,
)
