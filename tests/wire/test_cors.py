"""Who may read an answer in a browser: the header lines that say so, and what is a preflight."""

import pytest
from wire_support.heads import parsed, raw

from aimux.wire.cors import Cors, without_cors

APP = "https://app.example"
ONE = Cors(frozenset({APP, "http://localhost:3000"}), ("Content-Type", "X-Source-Agent"), 600)
ANY = Cors(frozenset({"*"}), ("*",), 0)
PREFLIGHT = b"Access-Control-Request-Method: POST"


def head_of(*lines, method=b"OPTIONS"):
    return parsed(raw(*lines, start=method + b" /v1/models HTTP/1.1"))


def names(lines):
    return [line.partition(b": ")[0] for line in lines]


@pytest.mark.parametrize("origin", [b"https://app.example", b"http://localhost:3000"])
def test_an_allowed_origin_reads(origin):
    lines = ONE.lines(head_of(b"Origin: " + origin, method=b"GET"))
    assert lines[:2] == (b"Access-Control-Allow-Origin: " + origin, b"Vary: Origin")
    assert names(lines[2:]) == [b"Access-Control-Expose-Headers"]
    for name in (b"X-Request-ID", b"X-AIMux-Route", b"Retry-After", b"X-Should-Retry", b"*"):
        assert name in lines[2].partition(b": ")[2].split(b", ")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"Origin: https://evil.example"],
        [b"Origin: null"],
        [b"Origin: https://app.example:8443"],
        [b"Origin: http://app.example"],
        [b"Origin: https://APP.example"],
        [b"Origin: https://app.example/"],
        [b"Origin: https://app.example.evil"],
        [b"Origin: *"],
        [b"Origin:"],
        [b"Origin: https://app.example, https://evil.example"],
        [b"Origin: https://app.example", b"Origin: https://app.example"],
    ],
)
def test_any_other_origin_does_not_and_caches_are_told_that_it_depends(lines):
    assert ONE.lines(head_of(*lines, method=b"GET")) == (b"Vary: Origin",)
    assert ONE.preflight(head_of(*lines, PREFLIGHT)) is None


@pytest.mark.parametrize("lines", [[], [b"Origin: https://app.example"], [b"Origin: null"]])
def test_where_any_origin_reads_all_are_told_the_same(lines):
    told = ANY.lines(head_of(*lines, method=b"GET"))
    assert told[0] == b"Access-Control-Allow-Origin: *"
    assert names(told) == [b"Access-Control-Allow-Origin", b"Access-Control-Expose-Headers"]


def test_nobody_reads_with_credentials():
    for cors in (ONE, ANY):
        head = head_of(b"Origin: https://app.example", PREFLIGHT)
        assert b"credentials" not in b"".join((*cors.lines(head), *(cors.preflight(head) or ()))).lower()


def test_a_preflight_is_answered():
    allowed = b"Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert ONE.preflight(head_of(b"Origin: https://app.example", PREFLIGHT)) == (
        allowed,
        b"Access-Control-Allow-Headers: Content-Type, X-Source-Agent",
        b"Access-Control-Max-Age: 600",
    )
    assert ANY.preflight(head_of(b"Origin: https://any.example", PREFLIGHT)) == (
        allowed,
        b"Access-Control-Allow-Headers: *, Authorization",
        b"Access-Control-Max-Age: 0",
    )


def test_what_is_no_preflight_goes_the_way_of_any_request():
    origin = b"Origin: https://app.example"
    assert ONE.preflight(head_of(origin)) is None
    assert ONE.preflight(head_of(origin, PREFLIGHT, method=b"POST")) is None
    assert ANY.preflight(head_of(PREFLIGHT)) is None


def test_an_upstreams_word_is_dropped():
    lines = [b"Vary: Accept", b"access-control-allow-origin: *", b"Access-Control-Allow-Credentials: true", b"X-A: b"]
    assert without_cors(lines) == [b"Vary: Accept", b"X-A: b"]
