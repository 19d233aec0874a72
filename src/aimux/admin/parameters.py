"""The query of a management request: the parameters that its endpoint knows, each at most once."""

from typing import Final
from urllib.parse import parse_qsl

from aimux.core.reason import Failure, Reason
from aimux.edge.exchange import Exchange

# Those that take any text: without one they are as good as left out.
_FREE: Final = frozenset({"agent", "route", "verdict", "text", "request_id", "trace_id"})


def parameters(exchange: Exchange, known: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a request, empty ones left out.

    Raises Failure for others, for one that is given twice, and for one that must not be empty.
    """
    try:
        pairs = parse_qsl(exchange.head.query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Failure(Reason.BAD_REQUEST, "the query is not valid UTF-8") from error
    given = dict(pairs)
    if len(given) < len(pairs):
        raise Failure(Reason.BAD_REQUEST, "a parameter is given twice")
    if not given.keys() <= set(known):
        takes = f"takes {', '.join(known)}" if known else "takes no parameters"
        raise Failure(Reason.BAD_REQUEST, f"this endpoint {takes}")
    senseless = next((name for name, value in given.items() if not value and name not in _FREE), None)
    if senseless is not None:
        raise Failure(Reason.BAD_REQUEST, f"{senseless} is empty: leave it out")
    return {name: value for name, value in given.items() if value}
