"""Event streams: where one stands between two events, however it is cut, and which responses are one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.edge.event_stream import KEEPALIVE, EventStream, event_stream
from aimux.wire.http1 import Head, HeadLimits, parse_head

LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"
pieces = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"x", b"data: x", b""]), max_size=8)


def asked(method: str = "POST", path: str = "/v1/chat/completions") -> Head:
    return parse_head(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), HeadLimits())


def ends_with_an_empty_line(stream: bytes) -> bool:
    """The same by reading all of the stream's lines."""
    *lines, rest = LINE_END.split(stream)
    return rest == b"" and (not lines or lines[-1] == b"")


@given(pieces)
def test_a_stream_stands_between_events_behind_an_empty_line_however_it_is_cut(sent: list[bytes]) -> None:
    stream = EventStream(may_end=True, comments=True)
    assert stream.between_events
    for piece in sent:
        assert stream.passed(piece) == piece
    assert stream.between_events == ends_with_an_empty_line(b"".join(sent))


@given(pieces, st.integers(0, 8))
def test_a_comment_between_events_changes_no_event(sent: list[bytes], place: int) -> None:
    stream, out = EventStream(may_end=True, comments=True), b""
    for number, piece in enumerate(sent):
        if number == place and stream.between_events:
            out += stream.comment()
        out += stream.passed(piece)
    assert blocks(out) == blocks(b"".join(sent))


def blocks(stream: bytes) -> list[list[bytes]]:
    """The events of a stream as lists of their lines, comments and empty events left out."""
    found: list[list[bytes]] = [[]]
    for line in LINE_END.split(stream)[:-1]:
        if line == b"":
            found.append([])
        elif not line.startswith(b":"):
            found[-1].append(line)
    return [block for block in found if block]


def test_a_byte_order_mark_behind_a_first_comment_is_left_out() -> None:
    stream = EventStream(may_end=False, comments=True)
    assert stream.comment() == KEEPALIVE
    assert [stream.passed(BOM + b"data: 1\n\n"), stream.passed(BOM + b"x")] == [b"data: 1\n\n", BOM + b"x"]
    later = EventStream(may_end=False, comments=True)
    assert later.passed(BOM + b"data: 1\n\n") == BOM + b"data: 1\n\n"
    later.comment()
    assert later.passed(BOM) == BOM


@pytest.mark.parametrize(
    "kind",
    [
        b"content-type: text/event-stream",
        b"Content-Type:TEXT/Event-Stream ; charset=utf-8",
        b"Content-Type: text/event-stream;",
    ],
)
def test_a_response_of_its_type_is_an_event_stream(kind: bytes) -> None:
    found = event_stream(asked(), [(b"date", b"Date: x"), (b"content-type", kind)], comments=True)
    assert found is not None
    assert (found.may_end, found.comments) == (False, True)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [(b"content-type", b"Content-Type: application/x-ndjson")],
        [(b"content-type", b"Content-Type: text/event-streams")],
        [(b"content-type", b"Content-Type: application/json; x=text/event-stream")],
        [(b"content-type", b"Content-Type: text/event-stream")] * 2,
        [(b"content-type", b"Content-Type: text/event-stream"), (b"content-encoding", b"Content-Encoding: gzip")],
    ],
)
def test_other_responses_are_none(lines: list[tuple[bytes, bytes]]) -> None:
    assert event_stream(asked(), lines, comments=True) is None


@pytest.mark.parametrize(
    ("request_head", "comments", "expected"),
    [
        (asked("GET", "/mcp"), True, (True, True)),
        (asked("GET", "/mcp"), False, (True, False)),
        (asked("POST", "/v1beta/models/g:generateContent"), True, (False, True)),
        (asked("POST", "/v1beta/models/g:streamGenerateContent?alt=sse"), True, (False, False)),
        (asked("POST", "/v1beta/models/g%3AstreamGenerateContent"), True, (False, False)),
    ],
)
def test_what_the_gateway_may_do_in_it_depends_on_the_request(
    request_head: Head, comments: bool, expected: tuple[bool, bool]
) -> None:
    lines = [(b"content-type", b"Content-Type: text/event-stream")]
    found = event_stream(request_head, lines, comments=comments)
    assert found is not None
    assert (found.may_end, found.comments) == expected
