"""The request line: methods, targets and versions that are read, and all that is refused."""

import pytest
from wire_support.heads import BAD, fault, parsed, raw

from aimux.core.reason import Failure, Reason

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


@pytest.mark.parametrize(
    "target",
    ["/?q=größe".encode(), "/?q=größe".encode("latin-1"), b"/?q=what is 5", "/größe".encode(), b"/?q=100%", b"/?q=c#"],
)
def test_a_text_that_stands_in_the_target_as_it_was_typed_is_to_be_percent_encoded(target):
    with pytest.raises(Failure, match="percent-encode"):
        parsed(raw(start=b"GET " + target + b" HTTP/1.1"))


def test_a_line_that_is_nothing_of_the_kind_is_not_said_to_be_badly_encoded():
    for start in (b"GET", b"get / HTTP/1.1", b"GET / HTTP/2.0", b"PRI /a b HTTP/1.1", b"GET /a\x00b HTTP/1.1"):
        with pytest.raises(Failure, match="the request line must be"):
            parsed(raw(start=start))
