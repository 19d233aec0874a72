"""How a body is read: by its type, charset and content coding; what cannot be read in one way is refused."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from wire_support.requests import flaw, head_of, reading

from aimux.core.identity import Claim, Place
from aimux.core.reason import Failure, Reason
from aimux.core.request import SILENT
from aimux.wire.dialects import BodyKind, body_kind


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"application/json", BodyKind.JSON),
        (b"Application/JSON ; charset=UTF-8", BodyKind.JSON),
        (b"application/problem+json", BodyKind.JSON),
        (b"application/json-rpc", BodyKind.JSON),
        (b"text/json", BodyKind.JSON),
        (b"text/vnd.x+json", BodyKind.JSON),
        (b"text/plain", BodyKind.TEXT),
        (b'TEXT/PLAIN;charset="utf-8"', BodyKind.TEXT),
        (b"text/plain; charset=us-ascii; format=flowed", BodyKind.TEXT),
        (b"application/x-www-form-urlencoded", BodyKind.JSON_OR_FORM),
        (b"", BodyKind.JSON_OR_OPAQUE),
        (None, BodyKind.JSON_OR_OPAQUE),
        (b"application/octet-stream", BodyKind.OPAQUE),
        (b"multipart/form-data; boundary=x", BodyKind.MULTIPART),
        (b"multipart/mixed; boundary=x", BodyKind.OPAQUE),
        (b"text/html; charset=latin-1", BodyKind.OPAQUE),
        (b"application/jsonl", BodyKind.OPAQUE),
        (b"image/vnd.x+json", BodyKind.OPAQUE),
    ],
)
def test_the_kind_of_a_body(content_type, kind):
    lines = () if content_type is None else (b"Content-Type: " + content_type,)
    assert body_kind(head_of(*lines)) is kind
    assert body_kind(head_of(*lines, length=0)) is BodyKind.OPAQUE
    assert body_kind(head_of(*lines, length=None)) is BodyKind.OPAQUE
    assert body_kind(head_of(*lines, b"Transfer-Encoding: chunked", length=None)) is kind


@pytest.mark.parametrize("media_type", [b"application/json", b"text/plain", b"application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    "charset", [b"latin-1", b"UTF-16", b'"utf-7"', b"", b"utf-8; charset=utf-16", b"utf-16;charset=utf-8", b"'utf-8'"]
)
def test_a_body_that_is_read_must_be_in_utf_8(media_type, charset):
    with pytest.raises(Failure) as caught:
        body_kind(head_of(b"Content-Type: " + media_type + b"; charset=" + charset))
    assert caught.value.reason is Reason.UNSUPPORTED_ENCODING


def test_a_charset_is_found_however_it_is_written():
    for written in (b";charset=utf-16", b"; CHARSET=utf-16", b"; x=y; charset = utf-16", b";;charset=utf-16;"):
        with pytest.raises(Failure, match="UTF-8"):
            body_kind(head_of(b"Content-Type: application/json" + written))


def test_two_content_types_are_refused():
    with pytest.raises(Failure) as caught:
        body_kind(head_of(b"Content-Type: text/plain", b"Content-Type: application/json"))
    assert caught.value.reason is Reason.BAD_REQUEST


@pytest.mark.parametrize("content_type", [None, b"application/x-www-form-urlencoded", b"application/json"])
@pytest.mark.parametrize("before", [b"", b" ", b"\r\n\t "])
def test_a_body_that_starts_with_a_brace_is_json_by_curls_default_too(content_type, before):
    found = reading(before + b'{"agent": "finance-bot", "query": "analyze revenue"}', content_type)
    assert (found.text, found.dialect) == ("analyze revenue", "json")
    assert found.claims == (Claim(Place.BODY, "agent", "finance-bot"),)
    assert flaw(reading(before + b'{"agent": "finance-bot"', content_type)) is Reason.BAD_REQUEST


@pytest.mark.parametrize("body", [b"[1]", b'"query"', b"query=x", b"\xff\xfe", b"NaN", b"x{", b"\0\0\0\x18ftyp{"])
def test_without_a_content_type_anything_else_is_not_read(body):
    assert reading(body) == SILENT


@pytest.mark.parametrize("content_type", [None, b"application/x-www-form-urlencoded", b"application/json"])
@pytest.mark.parametrize(
    "coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_json_in_another_encoding_is_refused_and_never_passed_over(content_type, coding):
    body = '{"agent": "finance-bot", "query": "analyze revenue"}'.encode(coding)
    assert flaw(reading(body, content_type)) is Reason.BAD_REQUEST


def test_the_body_of_another_type_is_not_read():
    for content_type in (b"application/octet-stream", b"multipart/mixed; boundary=x", b"text/html"):
        assert reading(b'{"agent": "finance-bot", "query": "x"}', content_type) == SILENT


def test_an_empty_body_says_nothing():
    for content_type in (None, b"application/json", b"application/x-www-form-urlencoded", b"text/plain"):
        found = reading(b"", content_type)
        assert (found.claims, found.text, found.flaw) == ((), None, None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"analyze revenue", "analyze revenue"),
        (b'{"agent": "finance-bot", "query": "x"}', '{"agent": "finance-bot", "query": "x"}'),
        ("\u00e9t\u00e9\n".encode(), "\u00e9t\u00e9\n"),
        (b" \n", None),
    ],
)
def test_plain_text(body, text):
    found = reading(body, b"text/plain")
    assert (found.text, found.claims, found.dialect) == (text, (), "text")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"q=analyze+revenue", "analyze revenue"),
        (b"query=b&q=a", "a"),
        (b"query=b", "b"),
        (b"q=caf%C3%A9", "caf\u00e9"),
        ("q=caf\u00e9".encode(), "caf\u00e9"),
        (b"agent=finance-bot&client_id=admin-bot", None),
        (b"analyze revenue", None),
    ],
)
def test_a_form(body, text):
    found = reading(body, b"application/x-www-form-urlencoded")
    assert (found.text, found.claims, found.dialect) == (text, (), "form")


@pytest.mark.parametrize("body", [b"q=a&q=b", b"q=%ff", b"q=\xff", b"&".join([b"a"] * 1001)])
def test_a_form_that_cannot_be_read_in_one_way(body):
    assert flaw(reading(body, b"application/x-www-form-urlencoded")) is Reason.BAD_REQUEST


def test_a_form_of_nothing_but_escapes_is_refused():
    form = b"application/x-www-form-urlencoded"
    assert reading(b"q=" + b"%41" * 100_000, form).text == "A" * 100_000
    assert flaw(reading(b"q=" + b"%41" * 100_001, form)) is Reason.BODY_TOO_LARGE
    assert reading(b'{"query": "' + b"%" * 100_001 + b'"}', form).text == "%" * 100_001


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain", b"application/x-www-form-urlencoded"])
def test_invalid_utf_8_is_refused(content_type):
    assert flaw(reading(b"\xff\xfe", content_type)) is Reason.BAD_REQUEST


def test_unreadable_json_says_nothing_but_its_flaw():
    for body in (b"{", b'{"agent": "a", "agent": "b"}', b"[" * 100_000, b'{"query": NaN}', b" "):
        assert flaw(reading(body, b"application/json")) is Reason.BAD_REQUEST


# Content codings

DOCUMENT = b'{"agent": "finance-bot", "query": "analyze revenue"}'


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"br", brotli.compress),
        (b"zstd", zstandard.compress),
        (b"identity", bytes),
    ],
)
def test_an_encoded_body_is_decoded_for_reading(coding, encode):
    for content_type in (b"application/json", None, b"application/x-www-form-urlencoded"):
        found = reading(encode(DOCUMENT), content_type, [coding])
        assert (found.text, found.claims[0].name) == ("analyze revenue", "finance-bot")
    if coding != b"identity":
        assert flaw(reading(encode(DOCUMENT), None, [coding], limit=len(DOCUMENT) - 1)) is Reason.BODY_TOO_LARGE
        assert flaw(reading(encode(DOCUMENT)[:-1], None, [coding])) is Reason.BAD_REQUEST


@pytest.mark.parametrize("codings", [[b"lzma"], [b"gzip, gzip"], [b"gzip", b"gzip"], [b"identity", b"gzip"]])
def test_other_codings_are_unsupported(codings):
    assert flaw(reading(gzip.compress(DOCUMENT), None, codings)) is Reason.UNSUPPORTED_ENCODING


def test_a_form_that_mixes_escapes_and_other_alphabets_without_end_is_refused():
    mixed = b"q=%41" + "aé".encode() * 50_000
    found = reading(mixed, b"application/x-www-form-urlencoded")
    assert flaw(found) is Reason.BODY_TOO_LARGE
    assert reading(mixed.replace(b"%41", b"A"), b"application/x-www-form-urlencoded").text is not None
