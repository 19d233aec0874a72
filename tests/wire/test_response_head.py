"""The head of an upstream's response: which lines go on to the client, and what it says of the body."""

import pytest

from aimux.core.reason import Failure, Reason
from aimux.wire.response import ResponseHead, ResponseHeadLimits

LIMITS = ResponseHeadLimits(header_bytes=400, headers=12)


def head(*headers):
    found = ResponseHead()
    for name, value in headers:
        found.add([(name, value)], LIMITS)
    return found


def refused(call):
    with pytest.raises(Failure) as caught:
        call()
    assert caught.value.reason is Reason.UPSTREAM_INVALID
    return caught.value.message


def test_lines_go_on_as_they_came():
    headers = [(b"Content-Type", b"text/html"), (b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2 "), (b"X-Empty", b"")]
    assert head(*headers).for_client() == [
        *(b"Content-Type: text/html", b"set-cookie: a=1", b"Set-Cookie: b=2", b"X-Empty: ")
    ]


def test_what_an_upstream_forges_does_not_reach_the_client():
    forged = [(b"X-AIMux-Route", b"other"), (b"x_aimux_agent", b"admin-bot"), (b"X-Request-ID", b"mine")]
    named = [(b"Connection", b"X-Secret , close"), (b"CONNECTION", b"x-other"), (b"x-secret", b"1"), (b"X_Other", b"2")]
    assert head(*forged, *named, (b"X-Kept", b"yes")).for_client() == [b"X-Kept: yes"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([(b"X-Request-Id", b"req_1")], "req_1"),
        ([(b"request-id", b"req_2")], "req_2"),
        ([(b"Request-Id", b"req_2"), (b"X-Request-ID", b"req_1")], "req_1"),
        ([(b"request-id", b"req_2"), (b"x-request-id", b"ours")], "req_2"),
        ([(b"x-request-id", b"ours")], None),
        ([(b"x-request-id", b"a"), (b"x-request-id", b"b"), (b"request-id", b"req_2")], "req_2"),
        ([(b"x-request-id", b"\xe9"), (b"request-id", b"x" * 129)], None),
        ([(b"x_request_id", b"a"), (b"x-upstream-request-id", b"b"), (b"x-client-request-id", b"c")], None),
    ],
)
def test_what_the_upstream_calls_the_request(headers, expected):
    found = head(*headers, (b"X-Kept", b"yes"))
    assert found.id_besides("ours") == expected
    assert not [line for line in found.for_client() if b"upstream" in line or line[:3].lower() in {b"req", b"x-r"}]


@pytest.mark.parametrize(
    "name",
    [b"Keep-Alive", b"Transfer-Encoding", b"Content-Length", b"Trailer", b"Upgrade", b"Proxy-Authenticate", b"TE"],
)
@pytest.mark.parametrize("connection", [(), ((b"Connection", b"keep-alive"),), ((b"Connection", b"close, TE"),)])
def test_what_is_of_that_hop_alone_ends_there(name, connection):
    found = head(*connection, (name, b"7"), (b"X-Kept", b"yes"), (b"Content-Type", b"a/b"))
    assert found.for_client() == [b"X-Kept: yes", b"Content-Type: a/b"]


def test_connection_can_name_a_common_header():
    assert head((b"Content-Type", b"a/b"), (b"Connection", b"keep-alive, content-type")).for_client() == []


def test_a_length_is_a_plain_number():
    found = head((b"Content-Length", b" 12 "))
    assert found.body_length() == 12
    assert not found.ends_with_connection(200)


def test_chunks_tell_the_length_themselves():
    found = head((b"Transfer-Encoding", b"Chunked"))
    assert found.body_length() is None
    assert not found.ends_with_connection(200)


def test_without_either_the_connection_ends_the_body_where_there_can_be_one():
    assert head().body_length() is None
    assert head().ends_with_connection(200)
    assert not head().ends_with_connection(204)
    assert not head().ends_with_connection(304)


@pytest.mark.parametrize("value", [b"+1", b"-1", b"1_0", b"1, 1", b"0x1", b"", b"1.0", b"9" * 19, b"\xb2"])
def test_a_malformed_length_is_refused(value):
    assert "malformed" in refused(head((b"Content-Length", value)).body_length)


@pytest.mark.parametrize("value", [b"gzip", b"chunked, chunked", b"gzip, chunked", b"identity", b""])
def test_another_coding_is_refused(value):
    assert "chunked" in refused(head((b"Transfer-Encoding", value)).body_length)


@pytest.mark.parametrize("first", [(b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")])
@pytest.mark.parametrize("second", [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")])
def test_two_statements_of_the_length_are_refused(first, second):
    assert "two ways" in refused(head(first, second).body_length)


def test_the_limits_hold():
    assert len(head(*[(b"A", b"1")] * 12).lines) == 12
    refused(lambda: head(*[(b"A", b"1")] * 13))
    assert head((b"A", b"1" * 395)).size == 400
    refused(lambda: head((b"A", b"1" * 396)))
    refused(lambda: head((b"A" * 300, b""), (b"B" * 100, b"")))


@pytest.mark.parametrize("version", ["0.9", "1.2", "1.9", "2.0"])
def test_another_version_is_refused(version):
    assert "HTTP/1.1" in refused(lambda: head().check_status_line(version))


@pytest.mark.parametrize("phrase", [b"a\0b", b"\x1b[2J", b"\x07", b"\x7f", b"\x0b", b"a\rb"])
def test_a_reason_phrase_without_control_characters_only(phrase):
    assert "control" in refused(lambda: ResponseHead(phrase).check_status_line("1.1"))


def test_chunks_belong_to_the_newer_version():
    found = head((b"Transfer-Encoding", b"chunked"))
    found.check_status_line("1.1")
    assert "HTTP/1.0" in refused(lambda: found.check_status_line("1.0"))
    ResponseHead(b"Tr\xe8s bien\t!").check_status_line("1.0")
