from email.message import Message
from io import BytesIO

import pytest

from aimux.demo.agents.asking import Unreadable, read_question
from aimux.demo.agents.content import MAX_BYTES, read_content


def headers(**named: str) -> "Message[str, str]":
    message: Message[str, str] = Message()
    for name, value in named.items():
        message[name.replace("_", "-")] = value
    return message


JSON = headers(Content_Type="application/json; charset=utf-8")
FORM = headers(Content_Type="application/x-www-form-urlencoded")
PART = b'{"type": "text", "text": "%b"}'
PLAIN = headers(Content_Type="text/plain")


@pytest.mark.parametrize(
    ("target", "given", "body", "text"),
    [
        ("/?q=what+is+50+times+3", headers(), b"", "what is 50 times 3"),
        ("/a/b?x=1&query=caf%C3%A9", headers(), b"", "café"),
        ("/?query=second&q=first", headers(), b"", "first"),
        ("/?q=url", JSON, b'{"query": "body"}', "url"),
        ("/", JSON, b'{"query": "a", "prompt": "b", "input": "c"}', "a"),
        ("/", JSON, b'{"prompt": "b", "input": "c"}', "b"),
        ("/", JSON, b'{"query": 7, "input": "c"}', "c"),
        ("/", FORM, b'{"query": "what curl -d sends"}', "what curl -d sends"),
        ("/", headers(), b' {"query": "without a type"}', "without a type"),
        ("/", FORM, b"q=a+form", "a form"),
        ("/", PLAIN, b"plain text", "plain text"),
        ("/", headers(), b"of no type", ""),
        ("/", JSON, b'{"messages": []}', ""),
        ("/", JSON, b'{"messages": 7}', ""),
        ("/", JSON, b'{"messages": [{"role": "user", "content": "1"}, {"role": "user", "content": "2"}]}', "2"),
        ("/", JSON, b'{"messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]}', "1"),
        ("/", JSON, b'{"messages": [{"role": "user", "content": null}, 7, {"role": "system", "content": "s"}]}', ""),
        (
            "/",
            JSON,
            b'{"messages": [{"role": "user", "content": [%b, {"type": "image"}, 7, %b]}]}' % (PART % b"a", PART % b"b"),
            "a\nb",
        ),
        ("/", headers(), b"", ""),
    ],
)
def test_finds_the_text(target: str, given: "Message[str, str]", body: bytes, text: str) -> None:
    assert read_question(target, given, body).text == text


@pytest.mark.parametrize(
    ("given", "body", "reason"),
    [
        (JSON, b"{", "no valid JSON"),
        (JSON, b'{"a":' * 100_000, "no valid JSON"),
        (JSON, b"\xff", "no valid UTF-8"),
        (JSON, b"[]", "must be a JSON object"),
        (PLAIN, b"\xff", "no valid UTF-8"),
    ],
)
def test_says_what_is_wrong_with_a_body(given: "Message[str, str]", body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_question("/", given, body)


def test_believes_the_gateway_about_the_caller() -> None:
    given = headers(x_aimux_agent="finance-bot", X_AIMux_Route="finance", X_Request_ID="r1")
    question = read_question("/?client_id=admin-bot", given, b"")
    assert question.seen_by("math") == {
        "agent": "math",
        "asked_by": "finance-bot",
        "route": "finance",
        "request_id": "r1",
    }


def test_knows_nothing_of_a_caller_that_nobody_names() -> None:
    seen = read_question("/?q=x&client_id=admin-bot", headers(X_Source_Agent="admin-bot"), b"").seen_by("math")
    assert seen == {"agent": "math", "asked_by": None, "route": None, "request_id": None}


@pytest.mark.parametrize(
    ("given", "sent", "content"),
    [
        (headers(), b"next", b""),
        (headers(Content_Length="3"), b"abcnext", b"abc"),
        (headers(Transfer_Encoding="chunked"), b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nnext", b"abc0123456789"),
        (headers(Transfer_Encoding="Chunked"), b"0\r\nTrailer: x\r\n\r\nnext", b""),
        (headers(Content_Length="1", Content_Encoding="identity"), b"xnext", b"x"),
    ],
)
def test_reads_a_body_to_its_end_and_no_further(given: "Message[str, str]", sent: bytes, content: bytes) -> None:
    stream = BytesIO(sent)
    assert read_content(given, stream) == content
    assert stream.read() == b"next"


BIG = MAX_BYTES + 1
CHUNKED = headers(Transfer_Encoding="chunked")


@pytest.mark.parametrize(
    ("given", "sent", "reason"),
    [
        (headers(Content_Length="4"), b"abc", "ends early"),
        (headers(Content_Length="-1"), b"", "cannot be told"),
        (headers(Content_Length="+1"), b"x", "cannot be told"),
        (headers(Content_Length="1_0"), b"0123456789", "cannot be told"),
        (headers(Content_Length=str(BIG)), b"", "longer than"),
        (headers(Content_Encoding="gzip", Content_Length="1"), b"x", "no encoded bodies"),
        (headers(Transfer_Encoding="gzip, chunked"), b"0\r\n\r\n", "cannot be told"),
        (CHUNKED, b"", "ends early"),
        (CHUNKED, b"x\r\n", "how long it is"),
        (CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n", "how long it is"),
        (CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n", "how long it is"),
        (CHUNKED, b"2\r\nabc\r\n0\r\n\r\n", "longer than it says"),
        (CHUNKED, b"3\r\nab", "ends early"),
        (CHUNKED, b"3\r\nabc\r\n0\r\n", "ends early"),
        (CHUNKED, f"{BIG:x}\r\n".encode(), "longer than"),
        (CHUNKED, b"80000\r\n" + bytes(0x80000) + b"\r\n80001\r\n" + bytes(0x80001) + b"\r\n0\r\n\r\n", "longer than"),
    ],
)
def test_refuses_a_body_whose_end_is_unclear(given: "Message[str, str]", sent: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_content(given, BytesIO(sent))


def test_takes_a_body_of_the_largest_size() -> None:
    half = MAX_BYTES // 2
    chunk = f"{half:x}\r\n".encode() + bytes(half) + b"\r\n"
    assert len(read_content(CHUNKED, BytesIO(chunk * 2 + b"0\r\n\r\n"))) == MAX_BYTES
