"""Heads of requests, as bytes, and what the parser makes of them: a head, or the reason why not."""

import pytest

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import HeadLimits, find_head, parse_head

LIMITS = HeadLimits()
BAD, TOO_LARGE, TOO_LONG = Reason.BAD_REQUEST, Reason.HEADERS_TOO_LARGE, Reason.TARGET_TOO_LONG


def raw(*lines, start=b"GET /a?b HTTP/1.1", host=b"Host: x"):
    """A head from its lines; the Host line comes first unless it is None."""
    return b"".join(line + b"\r\n" for line in (start, *([host] if host is not None else []), *lines, b""))


def parsed(data, limits=LIMITS):
    """The head that these bytes are, and nothing else."""
    assert find_head(data, limits) == len(data)
    return parse_head(data, limits)


def fault(data, limits=LIMITS):
    """Why the head in these bytes is refused."""
    with pytest.raises(Failure) as caught:
        parse_head(data[: find_head(data, limits)], limits)
    return caught.value.reason
