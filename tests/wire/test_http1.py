"""The head of a request: what is refused and why, what is read out of it, and where it ends."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import CHUNKED, HeadLimits, HeadReader, find_head, parse_head

LIMITS = HeadLimits()
BAD, TOO_LARGE, TOO_LONG = Reason.BAD_REQUEST, Reason.HEADERS_TOO_LARGE, Reason.TARGET_TOO_LONG


def raw(*lines, start=b"GET /a?b HTTP/1.1", host=b"Host: x"):
    """A head from its lines; the Host line comes first unless it is None."""
    return b"".join(line + b"\r\n" for line in (start, *([host] if host is not None else []), *lines, b""))


def parsed(data, limits=LIMITS):
    assert find_head(data, limits) == len(data)
    return parse_head(data, limits)


def fault(data, limits=LIMITS):
    with pytest.raises(Failure) as caught:
        parse_head(data[: find_head(data, limits)], limits)
    return caught.value.reason


# Request line

REQUEST_LINES = {
    "version 1.9": b"GET / HTTP/1.9",
    "version 2.0": b"GET / HTTP/2.0",
    "version 0.9": b"GET / HTTP/0.9",
    "version 1.10": b"GET / HTTP/1.10",
    "version 1": b"GET / HTTP/1",
    "no version": b"GET /",
    "lower-case http": b"GET / http/1.1",
    "another protocol": b"GET / ICE/1.0",
    "the preface of HTTP/2": b"PRI * HTTP/2.0",
    "PRI in HTTP/1.1": b"PRI / HTTP/1.1",
    "two spaces before the target": b"GET  / HTTP/1.1",
    "two spaces after the target": b"GET /  HTTP/1.1",
    "a tab": b"GET\t/ HTTP/1.1",
    "a blank before": b" GET / HTTP/1.1",
    "a blank behind": b"GET / HTTP/1.1 ",
    "an empty line before": b"\r\nGET / HTTP/1.1",
    "a blank in the target": b"GET /a b HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "an empty line": b"",
    "a lower-case method": b"get / HTTP/1.1",
    "a mixed method": b"GeT / HTTP/1.1",
    "a digit in the method": b"G3T / HTTP/1.1",
    "a method that starts with a hyphen": b"-GET / HTTP/1.1",
    "a method that is too long": b"A" * 33 + b" / HTTP/1.1",
    "a method with a colon": b"GET: / HTTP/1.1",
    "a bare CR": b"GET / HTTP/1.1\rX",
    "a bare LF": b"GET / HTTP/1.1\nX: y",
    "a fragment": b"GET /a#b HTTP/1.1",
    "a fragment in the query": b"GET /a?b#c HTTP/1.1",
    "a backslash": b"GET /a\\b HTTP/1.1",
    "a backslash in the query": b"GET /a?b\\c HTTP/1.1",
    "an encoded null": b"GET /a%00b HTTP/1.1",
    "an encoded null in the query": b"GET /a?b=%00 HTTP/1.1",
    "a null": b"GET /a\x00b HTTP/1.1",
    "a control character": b"GET /a\x1fb HTTP/1.1",
    "DEL": b"GET /a\x7fb HTTP/1.1",
    "bytes beyond ASCII": b"GET /\xc3\xa9 HTTP/1.1",
    "half an escape": b"GET /a% HTTP/1.1",
    "an escape of one digit": b"GET /a%2 HTTP/1.1",
    "an escape of no digits": b"GET /a%zz HTTP/1.1",
    "a bad escape in the query": b"GET /?a=%g0 HTTP/1.1",
    "no slash": b"GET a HTTP/1.1",
    "the asterisk": b"OPTIONS * HTTP/1.1",
    "a query only": b"GET ?a HTTP/1.1",
    "https": b"GET https://x/ HTTP/1.1",
    "another scheme": b"GET ftp://x/ HTTP/1.1",
    "a URL of another host": b"GET http://y/ HTTP/1.1",
    "a URL of another port": b"GET http://x:81/ HTTP/1.1",
    "a URL with the default port that Host leaves out": b"GET http://x:80/ HTTP/1.1",
    "a URL with credentials": b"GET http://u:p@x/ HTTP/1.1",
    "a URL without a host": b"GET http:///a HTTP/1.1",
    "a URL with a fragment": b"GET http://x/a#b HTTP/1.1",
    "a URL with a fragment and no path": b"GET http://x#b HTTP/1.1",
    "a URL with a backslash": b"GET http://x\\y HTTP/1.1",
    "a URL with an encoded null": b"GET http://x/%00 HTTP/1.1",
    "a host without a scheme": b"GET x:80 HTTP/1.1",
}


@pytest.mark.parametrize("start", REQUEST_LINES.values(), ids=REQUEST_LINES.keys())
def test_a_request_line_that_is_not_exactly_right(start):
    assert fault(raw(start=start)) is BAD


@pytest.mark.parametrize("start", [b"TRACE / HTTP/1.1", b"CONNECT x:443 HTTP/1.1", b"CONNECT / HTTP/1.1"])
def test_trace_and_connect_are_not_allowed(start):
    assert fault(raw(start=start)) is Reason.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "M-SEARCH", "PURGE", "TRACK", "X"]
)
def test_other_methods_are_traffic(method):
    assert parsed(raw(start=method.encode() + b" / HTTP/1.1")).method == method


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/a?b", b"/a", b"b"),
        (b"/a?", b"/a", b""),
        (b"/a?b?c", b"/a", b"b?c"),
        (b"//evil/x", b"//evil/x", b""),
        (b"/a/../b", b"/a/../b", b""),
        (b"/%2e%2e/%41?q=%20", b"/%2e%2e/%41", b"q=%20"),
        (b"/\"<>^`{|}'", b"/\"<>^`{|}'", b""),
        (b"/http://y/", b"/http://y/", b""),
    ],
)
def test_the_target_is_kept_as_it_came(target, path, query):
    head = parsed(raw(start=b"GET " + target + b" HTTP/1.1"))
    assert (head.target, head.path, head.query) == (target, path, query)


@pytest.mark.parametrize(
    ("target", "origin_form"),
    [
        (b"http://x/a?b", b"/a?b"),
        (b"HTTP://X/a?b", b"/a?b"),
        (b"http://x", b"/"),
        (b"http://x?b", b"/?b"),
        (b"http://x//evil", b"//evil"),
    ],
)
def test_a_url_that_agrees_with_host_is_read_as_its_path(target, origin_form):
    head = parsed(raw(start=b"GET " + target + b" HTTP/1.1"))
    assert head.target == origin_form
    assert head.path + (b"?" + head.query if head.query else b"") == origin_form


def test_a_url_must_name_the_host_and_port_that_host_names():
    for target, host in (
        (b"http://x/", b"x:80"),
        (b"http://x/", b"xx"),
        (b"http://xx/", b"x"),
        (b"http://[::1]/", b"x"),
    ):
        assert fault(raw(start=b"GET " + target + b" HTTP/1.1", host=b"Host: " + host)) is BAD
    head = parsed(raw(start=b"GET http://[::1]:80/a HTTP/1.1", host=b"Host: [::1]:80"))
    assert head.target == b"/a"


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


# Limits

SMALL = HeadLimits(header_bytes=64, headers=4, target_bytes=16)


def test_the_longest_target():
    assert parsed(raw(start=b"GET /" + b"a" * 15 + b" HTTP/1.1"), SMALL).path == b"/" + b"a" * 15
    assert fault(raw(start=b"GET /" + b"a" * 16 + b" HTTP/1.1"), SMALL) is TOO_LONG
    assert fault(raw(start=b"GET http://x/" + b"a" * 16 + b" HTTP/1.1"), SMALL) is TOO_LONG
    assert fault(raw(start=b"GET /" + b" a" * 100 + b" HTTP/1.1"), SMALL) is TOO_LONG


def test_the_most_headers():
    assert len(parsed(raw(b"a: 1", b"b: 2", b"c: 3"), SMALL).lines) == 4
    assert fault(raw(b"a: 1", b"b: 2", b"c: 3", b"d: 4"), SMALL) is TOO_LARGE


def test_the_largest_header():
    fits = raw(b"a: " + b"b" * 48)
    assert len(fits) == len(b"GET /a?b HTTP/1.1\r\n") + SMALL.header_bytes
    assert parsed(fits, SMALL).first[b"a"] == b"b" * 48
    assert fault(raw(b"a: " + b"b" * 49), SMALL) is TOO_LARGE


def test_the_limits_hold_before_the_head_is_complete():
    for data, reason in (
        (b"G" * 81, TOO_LONG),
        (b"GET /" + b"a" * 200, TOO_LONG),
        (b"GET / HTTP/1.1\r\n" + b"a" * 65, TOO_LARGE),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 12, TOO_LARGE),
        (b"\n" * 100, BAD),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", BAD),
        (b"GET / HTTP/1.1\r\nHost: x\r\rX", BAD),
        (b"GET / HTTP/1.1\r\nHost: x\n\n" + b"b" * 100, BAD),
        (b"GET / HTTP/1.1\r\nHost: x" + b"b" * 100 + b"\n", TOO_LARGE),
    ):
        with pytest.raises(Failure) as caught:
            find_head(data, SMALL)
        assert caught.value.reason is reason


def test_a_head_without_its_empty_line_is_not_complete():
    whole = raw(b"a: b")
    for end in range(len(whole)):
        assert find_head(whole[:end], LIMITS) == 0
    assert find_head(whole + b"GET / HTTP/1.1\r\n\r\n", LIMITS) == len(whole)
    assert find_head(bytearray(whole), LIMITS) == len(whole)


def outcome(data, limits, cuts):
    """What a connection that gets `data` cut at these places comes to: the head, a reason, or nothing yet."""
    seen = 0
    try:
        for end in (*sorted(cuts), len(data)):
            size = find_head(data[:end], limits, seen)
            if size:
                return parse_head(data[:size], limits)
            seen = min(end, len(data))
    except Failure as failure:
        return failure.reason
    return None


PIECES = (b"GET /", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Host: x", b"a: b", b"\r", b"\n", b"aaaaaaaa", b"a" * 40)


def test_where_a_head_ends_does_not_depend_on_how_it_comes_in():
    reached = Counter()
    lines = st.lists(st.integers(0, 40).map(lambda n: b"a: " + b"b" * n), max_size=6)
    ordered = st.builds(
        lambda n, lines: raw(*lines, start=b"GET /" + b"a" * n + b" HTTP/1.1"), st.integers(0, 90), lines
    )
    wild = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
    limits = st.sampled_from((SMALL, HeadLimits(20, 4, 64), HeadLimits(64, 2, 64)))

    @settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.one_of(ordered, wild), st.binary(max_size=8), limits, st.sets(st.integers(0, 250), max_size=6))
    def check(data, behind, limits, cuts):
        whole = outcome(data + behind, limits, ())
        assert outcome(data + behind, limits, cuts) == whole
        assert outcome(data + behind, limits, range(len(data + behind))) == whole
        reached[whole if whole is None or isinstance(whole, Reason) else "head"] += 1

    check()
    assert set(reached) == {None, "head", BAD, TOO_LARGE, TOO_LONG}


def test_a_head_that_was_read_before_is_read_alike():
    reader = HeadReader(LIMITS)
    for data in (raw(b"a: b"), raw(b"a:  b", b"a: c"), raw(start=b"POST /x?y HTTP/1.1"), raw(b"a: " + b"b" * 5000)):
        first, again = reader.read(data), reader.read(bytes(bytearray(data)))
        assert first == again == replace(parse_head(data, LIMITS), remembered=first.remembered)
        assert (first is again) == first.remembered == (len(data) < 2000)


def test_what_is_refused_is_refused_again():
    reader = HeadReader(LIMITS)
    for _ in range(2):
        with pytest.raises(Failure):
            reader.read(raw(b"a : b"))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "data",
    [
        raw(b"X:" + b" " * 1_000_000 + b"\x00"),
        raw(b"X: a" + b" " * 1_000_000 + b"\x00"),
        raw(b"X: " + b"a " * 500_000 + b"\x00"),
        raw(b"X:" + b"\t " * 500_000 + b"a" * 500_000 + b"\x00"),
        raw(b"X" * 1_000_000),
        raw(start=b"GET http://x/" + b"?" * 1_000_000 + b"# HTTP/1.1"),
        raw(start=b"GET /" + b"%2" * 500_000 + b" HTTP/1.1"),
    ],
    ids=["blanks", "blanks behind", "words", "tabs", "name", "question marks", "escapes"],
)
def test_reading_a_head_takes_one_pass(data):
    assert fault(data, HeadLimits(header_bytes=2_000_000, headers=100, target_bytes=2_000_000)) is BAD
