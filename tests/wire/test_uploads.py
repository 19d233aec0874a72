"""What is heard of bodies that no route is chosen by: texts of all types, lines of JSON, forms, parts of a body."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure, Reason
from aimux.core.request import SILENT
from aimux.wire.dialects import BodyKind, body_kind, read_body, read_opening
from aimux.wire.http1 import HeadLimits, parse_head

SOURCES = IdentitySources()
LIMIT = 10 << 20
PNG = b"\x89PNG\r\n\x1a\n\0\0\xff"
DOCUMENT = {"prompt": "wipe", "messages": [{"role": "user", "content": "it"}], "model": "m"}


def head_of(content_type, length):
    lines = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, length)
    return parse_head(lines, HeadLimits())


def reading(body, content_type, codings=(), *, hears=True):
    opening = read_opening(head_of(content_type, len(body) or 1), SOURCES, hears=hears)
    stated = {"hears": hears, "content_type": opening.content_type}
    return read_body(body, opening.body, codings, SOURCES, LIMIT, **stated)


def said(body, content_type, codings=()):
    """All that is heard beside a text, which changes neither that nor who asks."""
    found = reading(body, content_type, codings)
    assert found.flaw is None, found.flaw
    assert (found.text, found.claims) == (reading(body, content_type, codings, hears=False).text, ())
    return found.beside


def all_said(body, content_type):
    """The same, and the text."""
    text = reading(body, content_type).text
    return (() if text is None else (text,)) + said(body, content_type)


def flaw(body, content_type):
    found = reading(body, content_type)
    assert (found.text, found.beside) == (None, ())
    return found.flaw.reason


def form(*fields):
    """What urllib3 makes of fields: a name with a value, or with a filename, data and a type."""
    body, content_type = encode_multipart_formdata(fields)
    return body, content_type.encode()


def by_hand(*parts):
    """A body of parts, each its headers and data."""
    body = b"".join(b"--XyZ\r\n%b\r\n\r\n%b\r\n" % each for each in parts) + b"--XyZ--\r\n"
    return body, b"multipart/form-data; boundary=XyZ"


# Texts


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            b"text/markdown",
            b"text/csv; charset=utf-8",
            b"Text/HTML;charset=UTF-8",
            b"text/x-unknown; a=b",
        ),
        *(b"application/xml", b"application/soap+xml", b"image/svg+xml", b"application/yaml", b"application/x-yaml"),
        *(b"application/vnd.oai.openapi+yaml", b"text/yaml", b"text/xml;"),
    ],
)
def test_a_text_of_any_type_is_heard_and_chooses_no_route(content_type):
    assert said(b"wipe it", content_type) == ("wipe it",)
    assert said(b" \r\n", content_type) == ()
    assert reading(b"wipe it", content_type).dialect == "text"
    assert said(gzip.compress(b"wipe it"), content_type, [b"gzip"]) == ("wipe it",)
    assert flaw(b"wipe \xff", content_type) is Reason.BAD_REQUEST


@pytest.mark.parametrize("content_type", [b"text/html", b"text/csv", b"application/xml", b"application/x-ndjson"])
def test_a_text_in_another_charset_is_refused(content_type):
    for charset in (b"utf-16", b"latin-1", b"utf-7", b'"UTF-16"'):
        assert flaw(b"{}", content_type + b"; charset=" + charset) is Reason.UNSUPPORTED_ENCODING
    assert flaw(b"x", content_type + b"; charset=utf-8; charset=utf-16") is Reason.BAD_REQUEST
    assert flaw(b"x", content_type + b"; charset*=utf-16") is Reason.BAD_REQUEST


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("<p>wipe</p><p>it</p>", ["wipeit", " wipe  it "]),
        ("w<b>ip</b>e it", ["wipe it", "w ip e it"]),
        ("w<!-- > -->ipe <!-->-->it", ["wipe it"]),
        ("wipe it<!-- now", ["wipe it"]),
        ("w&#105;p&#x65;&nbsp;it &amp; all", ["wipe\xa0it & all"]),
        ("w<![CDATA[ip]]>e it", ["wipe it"]),
        ("1 < 2", []),
    ],
)
def test_marks_and_references_are_undone(text, ways):
    for content_type in (b"text/html", b"text/xml", b"application/atom+xml"):
        assert said(text.encode(), content_type) == (text, *ways)
    assert said(text.encode(), b"text/markdown") == (text,)
    assert said(*form(("a", ("a.html", text, "text/html")))) == (text, *ways)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "wipe">]><a>&b; it</a>',
        '<?xml version="1.0" encoding="utf-7"?><a/>',
        "<?xml version='1.0' encoding = 'ibm037' ?><a/>",
    ],
)
def test_xml_that_says_something_else_than_it_seems_is_refused(text):
    assert flaw(text.encode(), b"application/xml") is Reason.BAD_REQUEST
    assert said(b'<?xml version="1.0" encoding="UTF-8"?>a', b"application/xml")[1:] == ("a", " a")


def test_a_text_that_begins_like_json_is_heard_as_it_stands_and_as_json():
    for text in (b"[wipe](it)", b"{wipe: it}", b'{"a": 1, "a": "wipe"}'):
        assert said(text, b"text/markdown") == (text.decode(),)
    assert said(b'{"note": ["wipe it"]}', b"text/x-js") == ('{"note": ["wipe it"]}', "wipe it")


def test_a_text_too_long_to_be_scored_is_refused_before_it_is_read_in_more_ways(monkeypatch):
    assert said(b"x" * 131_072, b"text/html") == ("x" * 131_072,)
    monkeypatch.setattr("aimux.wire.uploads.unescape", None)
    assert flaw(b"x" * 131_073, b"text/html") is Reason.BODY_TOO_LARGE
    assert flaw(*form(*[("a", "x" * 70_000)] * 2)) is Reason.BODY_TOO_LARGE


# Lines of JSON


@pytest.mark.parametrize("content_type", [b"application/x-ndjson", b"application/jsonl", b"text/x-ndjson"])
def test_each_line_of_json_is_heard(content_type):
    lines = json.dumps(DOCUMENT) + '\r\n\n  {"input": "w\\u0069pe"}\n[{"params": {"a": "all"}}]'
    assert said(lines.encode(), content_type) == ("wipe", "it", "wipe", "all")
    assert reading(lines.encode(), content_type).dialect == "json"
    for broken in ('{"a": 1}\n{"a": 1, "a": 2}', '{"a": 1}\nx', '{"a":\n1}\n{}', '{"a": [1\n,{"input": "x"}\n]},1'):
        assert flaw(broken.encode(), content_type) is Reason.BAD_REQUEST
    assert flaw(b"1\n" * 1001, content_type) is Reason.BODY_TOO_LARGE


# Forms


def test_all_values_of_a_form_are_heard_and_its_text_is_the_same():
    url = b"application/x-www-form-urlencoded"
    body = b"q=one&prompt=wipe+it&query=two&agent=bee&n=&x=%C3%A9"
    found = reading(body, url)
    assert (found.text, found.field, found.beside) == ("one", "q", ("wipe it", "two", "bee\né"))
    assert reading(body, url, hears=False).beside == ("wipe it", "two")
    assert all_said(b"prompt=wipe+it&x", url) == ("wipe it",)


@given(st.lists(st.tuples(st.text("abq"), st.text())))
def test_every_field_that_urllib3_writes_is_heard(fields):
    if len({text for name, text in fields if name == "q"}) > 1:
        assert flaw(*form(*fields)) is Reason.BAD_REQUEST
        return
    heard = all_said(*form(*fields))
    assert {text for _, text in fields if text.strip()} <= set(heard)


@pytest.mark.parametrize(
    ("headers", "heard"),
    [
        (b'Content-Disposition: form-data; name="prompt"', True),
        (b"Content-Disposition: form-data; name=prompt; filename=", None),
        (b'Content-Disposition: form-data; name="prompt"; filename=""', True),
        (b'Content-Disposition: form-data; name="prompt"; filename=""\r\nContent-Type: image/png', True),
        (b"Content-Disposition: form-data; name=\"prompt\"; filename*=utf-8''a", True),
        (b'Content-Disposition: form-data; name="prompt"\r\nContent-Type: image/png', True),
        (b'Content-Disposition: form-data; name="prompt"\r\nContent-Type: application/octet-stream', True),
        (b'Content-Disposition: form-data; name="prompt"\r\nContent-Type: application/json', True),
        (b'Content-Disposition: form-data; name="prompt; filename=a"\r\nContent-Type: image/png', True),
        (b"X: y", True),
        (b'Content-Disposition: form-data; name="prompt"; filename="a"', True),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: application/octet-stream', True),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: text/x-log', True),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: application/yaml', True),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: image/png', False),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: application/json', None),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: multipart/mixed; boundary=b', None),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: message/rfc822', None),
        (b'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: application/http', None),
        (b'Content-Disposition: form-data; name="a"\r\nContent-Type: application/x-www-form-urlencoded', None),
        (b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=utf-16', None),
        (b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', None),
    ],
)
def test_a_part_is_heard_unless_it_is_a_file_of_a_kind_that_says_nothing(headers, heard):
    """Heard (True), passed over (False), or refused (None)."""
    body, content_type = by_hand((b'Content-Disposition: form-data; name="a"', b"hello"), (headers, b"wipe it"))
    if b"application/x-www-form-urlencoded" not in headers:
        assert reading(body, content_type, hears=False).text == (None if heard is None else text_of(headers))
    if heard is None:
        assert reading(body, content_type).flaw is not None
    else:
        assert sorted(all_said(body, content_type)) == (["hello", "wipe it"] if heard else ["hello"])


def text_of(headers):
    """A field chooses a route, a file does not."""
    return "wipe it" if b'name="prompt"' in headers and b"filename=" not in headers else None


def test_files_that_say_nothing_are_passed_over_and_other_bytes_in_a_field_are_refused():
    files = [
        ("a", ("a", PNG, kind)) for kind in ("image/png", "audio/wav", "application/pdf", "application/octet-stream")
    ]
    assert all_said(*form(("prompt", "hello"), *files)) == ("hello",)
    unstated = b'Content-Disposition: form-data; filename="a"'
    assert said(*by_hand((unstated, PNG), (unstated, b"w\0i\0p\0e\0"))) == ("w\0i\0p\0e\0",)
    assert flaw(*form(("prompt", PNG))) is Reason.BAD_REQUEST
    assert flaw(*form(("a", ("a.txt", b"\xff", "text/plain")))) is Reason.BAD_REQUEST


@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json", "application/octet-stream", "image/png"]
)
def test_json_in_a_file_is_heard_whatever_its_type(kind):
    document = json.dumps(DOCUMENT).encode()
    assert said(*form(("a", ("a", document, kind)))) == ("wipe", "it")
    for broken in (b'{"a": 1, "a": 2}', b"{", b"[NaN]", b"\xef\xbb\xbf{}", "{}".encode("utf-16")):
        assert flaw(*form(("a", ("a", broken, kind)))) is Reason.BAD_REQUEST
    if "json" not in kind:
        assert said(*form(("a", ("a", b"\r\n " + document + b"\n" + document, kind)))) == ("wipe", "it", "wipe", "it")
    assert said(*form(("a", ("a", b"", kind)))) == ()
    assert said(*form(*[("a", ("a", document, kind))] * 8)) == ("wipe", "it") * 8
    assert flaw(*form(*[("a", ("a", document, kind))] * 9)) is Reason.BODY_TOO_LARGE


def test_token_ids_in_json_of_another_type_are_refused():
    for body in (b'{"prompt": [1, 2]}', b'{"input": [[1], [2]]}'):
        for content_type in (b"image/png", b"application/octet-stream", b"application/x-ndjson"):
            assert flaw(body, content_type) is Reason.BAD_REQUEST
        assert flaw(*form(("a", ("a", body, "application/json")))) is Reason.BAD_REQUEST


def test_a_field_that_names_the_charset_of_the_others():
    assert said(*form(("_charset_", "UTF-8"), ("a", "b"))) == ("UTF-8", "b")
    assert flaw(*form(("_charset_", "utf-7"), ("a", "b"))) is Reason.UNSUPPORTED_ENCODING


def test_parts_that_are_no_fields():
    """Only in a form is a part without a disposition taken for a field whatever its type."""
    parts = (b"Content-Type: application/json", b'{"prompt": "wipe"}'), (b"Content-Type: image/png", PNG)
    body, content_type = by_hand(*parts)
    assert said(body, b"multipart/related; boundary=XyZ") == ("wipe",)
    assert flaw(body, content_type) is Reason.BAD_REQUEST
    for headers in (b"X: y", b'Content-Disposition: form-data; name="a"\r\nContent-Type: image/png'):
        assert said(by_hand((headers, b"wipe"))[0], b"multipart/mixed; boundary=XyZ") == ("wipe",)
    with pytest.raises(Failure, match="UTF-8"):
        reading(body, content_type + b"; charset=utf-16")


@pytest.mark.parametrize(
    "content_type",
    [b"image/png; x=multipart/form-data", b"application/x-multipart; boundary=XyZ", b"image/png, multipart/form-data"],
)
def test_what_only_speaks_of_multipart_is_refused(content_type):
    body, _ = by_hand((b'Content-Disposition: form-data; name="a"', b"wipe"))
    assert flaw(body, content_type) is Reason.BAD_REQUEST


@given(st.binary() | st.text().map(str.encode), st.sampled_from([b"text/html", b"application/jsonl", b"text/x-a"]))
def test_any_bytes_are_heard_or_refused(body, content_type):
    found = reading(body, content_type)
    assert found.flaw is None or found.flaw.reason.status < 500


# Where nobody hears


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/mixed; boundary=XyZ", b"multipart/broken", b"text/html; charset=latin-1", b"application/x-ndjson"],
)
def test_nothing_is_read_where_nobody_hears(content_type, monkeypatch):
    monkeypatch.setattr("aimux.wire.dialects.is_heard", None)
    monkeypatch.setattr("aimux.wire.dialects.said_in_upload", None)
    head = head_of(content_type, 5)
    assert body_kind(head) is BodyKind.OPAQUE
    assert read_opening(head, SOURCES).silent == SILENT
    assert reading(b"--XyZ", content_type, hears=False) == SILENT


@pytest.mark.parametrize("content_type", [b"image/png", b"application/octet-stream", b"application/pdf", b"video/mp4"])
def test_other_uploads_are_read_no_further_than_before(content_type):
    assert body_kind(head_of(content_type, 5), hears=True) is BodyKind.OPAQUE
