"""The head of a request behind its first line: Host, header lines, the body's length; what is refused and why."""

import pytest
from wire_support.heads import BAD, fault, parsed, raw

from aimux.core.reason import Failure
from aimux.wire.http1 import CHUNKED

# Host

HOSTS = {
    "missing": [],
    "empty": [b"Host:"],
    "two": [b"Host: x", b"Host: y"],
    "the same twice": [b"Host: x", b"Host: x"],
    "a list": [b"Host: x, y"],
    "a blank inside": [b"Host: x y"],
    "a path": [b"Host: x/"],
    "credentials": [b"Host: u@x"],
    "a port that is no number": [b"Host: x:http"],
    "an empty port": [b"Host: x:"],
    "a port of six digits": [b"Host: x:123456"],
    "a port that cannot be": [b"Host: x:65536"],
    "an address that cannot be": [b"Host: [:::]"],
    "IPv4 in brackets": [b"Host: [127.0.0.1]"],
    "an address of nine groups": [b"Host: [1:2:3:4:5:6:7:8:9]"],
    "a URL": [b"Host: http://x"],
    "IPv6 without brackets": [b"Host: ::1"],
    "an open bracket": [b"Host: [::1"],
    "a name in brackets": [b"Host: [x]"],
    "beyond ASCII": [b"Host: \xc3\xa9"],
    "a query": [b"Host: x?a"],
    "too long": [b"Host: " + b"x" * 254],
}


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("lines", HOSTS.values(), ids=HOSTS.keys())
def test_a_request_needs_exactly_one_valid_host(lines, version):
    if (version, lines) == (b"1.0", []):
        assert b"host" not in parsed(raw(start=b"GET / HTTP/1.0", host=None)).first  # it knows no Host
        return
    assert fault(raw(*lines, start=b"GET / HTTP/" + version, host=None)) is BAD


@pytest.mark.parametrize(
    "host", [b"x", b"X.example", b"x:65535", b"127.0.0.1:1", b"[::1]", b"[2001:db8::1]:80", b"a_b", b"[::ffff:1.2.3.4]"]
)
def test_hosts(host):
    assert parsed(raw(host=b"Host: " + host)).first[b"host"] == host


# Header lines

LINES = {
    "a blank before the colon": b"X : y",
    "a tab before the colon": b"X\t: y",
    "no colon": b"X",
    "no name": b": y",
    "a folded line": b"X: y\r\n z",
    "a folded line with a tab": b"X: y\r\n\tz",
    "a fold of nothing": b"X: y\r\n ",
    "a blank before the name": b" X: y",
    "a bare LF": b"X: y\nZ: z",
    "a bare LF at the end": b"X: y\n",
    "a bare CR": b"X: y\rZ: z",
    "a bare CR at the end": b"X: y\r",
    "a null in the value": b"X: a\x00b",
    "a null in the name": b"X\x00: a",
    "a control character": b"X: a\x0bb",
    "a form feed": b"X: a\x0cb",
    "DEL": b"X: a\x7fb",
    "a name in parentheses": b"(X): y",
    "a name with a slash": b"X/Y: z",
    "a name beyond ASCII": b"X\xe9: z",
    "a quoted name": b'"X": z',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
@pytest.mark.parametrize("around", [(b"A: b",), ()], ids=["between", "last"])
def test_a_header_line_that_is_not_exactly_right(line, around):
    assert fault(raw(*around, line, *around)) is BAD
    assert fault(raw(line, *around, host=None)) is BAD


def test_a_folded_line_right_behind_the_request_line():
    assert fault(b"GET / HTTP/1.1\r\n Host: x\r\n\r\n") is BAD
    assert fault(b"GET / HTTP/1.1\r\nX: y\r\n Host: x\r\n\r\n") is BAD


def test_headers_are_kept_in_order_as_received_with_names_in_lower_case():
    head = parsed(raw(b"X-Two:  b ", b"x-one:a", b"X-TWO: c", b"X-Empty:", host=b"HOST: x"))
    assert head.lines == [
        (b"host", b"x", b"HOST: x"),
        (b"x-two", b"b", b"X-Two:  b "),
        (b"x-one", b"a", b"x-one:a"),
        (b"x-two", b"c", b"X-TWO: c"),
        (b"x-empty", b"", b"X-Empty:"),
    ]
    assert list(head.values(b"x-two")) == [b"b", b"c"]
    assert list(head.values(b"x-one")) == [b"a"]
    assert list(head.values(b"x-none")) == []
    assert head.first[b"x-two"] == b"b"
    assert head.single(b"x-one") == b"a"
    assert head.single(b"x-none") is None
    with pytest.raises(Failure, match="x-two may stand only once"):
        head.single(b"x-two")


@pytest.mark.parametrize(
    ("line", "padded"),
    [
        (b"X: y", False),
        (b"X:y", False),
        (b"X: y z", False),
        (b"X: y  z", False),
        (b"X:", False),
        (b"X: ", False),
        (b"X:  y", True),
        (b"X: y ", True),
        (b"X:\ty", True),
        (b"X: y\t", True),
        (b"X:y ", True),
        (b"X: \ty", True),
    ],
)
def test_padded_values_are_named(line, padded):
    assert parsed(raw(line, b"Z: w")).padded == (frozenset({b"x"}) if padded else frozenset())


def test_one_padded_value_of_several_pads_the_name():
    assert parsed(raw(b"X: y", b"x: y ", b"X: y")).padded == {b"x"}


def test_connection_options_are_read_over_all_its_lines():
    head = parsed(raw(b"Connection: Close, X-One", b"connection:x-two ,"))
    assert head.connection >= {b"close", b"x-one", b"x-two"}
    assert parsed(raw()).connection == frozenset()


# Body length

LENGTHS = {
    "both framings": [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
    "both framings, length 0": [b"Transfer-Encoding: chunked", b"Content-Length: 0"],
    "two lengths": [b"Content-Length: 5", b"Content-Length: 6"],
    "the same length twice": [b"Content-Length: 5", b"Content-Length: 5"],
    "a list of lengths": [b"Content-Length: 5, 5"],
    "a list without blanks": [b"Content-Length: 1,1"],
    "a sign": [b"Content-Length: +1"],
    "negative": [b"Content-Length: -1"],
    "an underscore": [b"Content-Length: 1_0"],
    "a fraction": [b"Content-Length: 1.0"],
    "an exponent": [b"Content-Length: 1e3"],
    "hexadecimal": [b"Content-Length: 0x10"],
    "empty": [b"Content-Length:"],
    "a blank inside": [b"Content-Length: 1 0"],
    "digits beyond ASCII": [b"Content-Length: \xc2\xb2"],
    "nineteen digits": [b"Content-Length: 1234567890123456789"],
    "chunked twice": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    "chunked, chunked": [b"Transfer-Encoding: chunked, chunked"],
    "gzip, chunked": [b"Transfer-Encoding: gzip, chunked"],
    "identity": [b"Transfer-Encoding: identity"],
    "chunked with a parameter": [b"Transfer-Encoding: chunked;q=1"],
    "chunked in quotes": [b'Transfer-Encoding: "chunked"'],
    "xchunked": [b"Transfer-Encoding: xchunked"],
    "chunked and a comma": [b"Transfer-Encoding: chunked,"],
    "chunked and a vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "chunked and a tab": [b"Transfer-Encoding: chunked\t"],
    "chunked and a blank": [b"Transfer-Encoding: chunked "],
    "chunked behind two blanks": [b"Transfer-Encoding:  chunked"],
    "chunked behind a tab": [b"Transfer-Encoding:\tchunked"],
    "no coding": [b"Transfer-Encoding:"],
}


@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.parametrize("lines", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_body_length_that_could_be_read_in_two_ways(lines, method):
    assert fault(raw(*lines, start=method + b" / HTTP/1.1")) is BAD


def test_chunked_is_not_known_to_http_1_0():
    assert fault(raw(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0")) is BAD


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"Content-Length: 15"], 15),
        ([b"Content-Length:  007 "], 7),
        ([b"content-length:123456789012345678"], 123456789012345678),
        ([b"Transfer-Encoding: chunked"], CHUNKED),
        ([b"transfer-encoding:ChUnKeD"], CHUNKED),
        ([b"TE: chunked", b"X-Content-Length: 3", b"Content_Length: 4"], 0),
    ],
)
def test_the_length_of_the_body(lines, length):
    assert parsed(raw(*lines, start=b"POST / HTTP/1.1")).length == length
    assert parsed(raw(start=b"POST / HTTP/1.0")).minor == 0
