"""Trace context: what goes on is well formed, and continues exactly what one valid header said."""

from typing import Final

from aimux.core.headers import trace_from
from fuzz.target import Target, expect

_NEW: Final = "f" * 32, "e" * 16
_DIGITS: Final = frozenset(b"0123456789abcdef")
_SIZES: Final = (2, 32, 16, 2)
_ONE: Final = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def check(data: bytes) -> None:
    """Take each line for one traceparent header."""
    inbound = data.split(b"\n") if data else []
    trace = trace_from(inbound, *_NEW)
    parts = trace.traceparent.split(b"-")
    expect("a traceparent is well formed", kept=_well_formed(parts))
    expect("the span is a new one", kept=trace.span_id == _NEW[1] and parts[2] == _NEW[1].encode())
    given = inbound[0].split(b"-") if len(inbound) == 1 else []
    if _well_formed(given):
        expect("a valid trace goes on", kept=(parts[1], parts[3]) == (given[1], given[3]))
        expect("its parent is known", kept=trace.parent_id == given[2].decode())
    else:
        expect("anything else begins a new trace", kept=trace.trace_id == _NEW[0] and trace.parent_id is None)


def _well_formed(parts: list[bytes]) -> bool:
    return (
        tuple(map(len, parts)) == _SIZES
        and parts[0] == b"00"
        and all(set(part) <= _DIGITS for part in parts)
        and set(parts[1]) != {ord("0")}
        and set(parts[2]) != {ord("0")}
    )


TARGET = Target(
    "traceparent",
    check,
    lambda: [
        _ONE,
        _ONE + b"\n" + _ONE,
        _ONE.upper(),
        b"00-" + b"0" * 32 + _ONE[35:],
        _ONE[:36] + b"0" * 16 + b"-00",
        _ONE + b"-x",
    ],
    (b"00-", b"ff-", b"-01", b"0" * 16, b"0" * 32),
    longest=200,
)
