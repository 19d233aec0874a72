"""Bodies of several parts: read whole where there is one way to take them apart, and refused where there are two."""

from collections import Counter
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from aimux.core.reason import Failure, Reason
from aimux.wire.media_types import read_media_type
from aimux.wire.multipart import boundary_of, parts_of
from fuzz.targets.multipart_body import check

B = b"XyZ"
FIELD = b'Content-Disposition: form-data; name="prompt"'
FILE = b'Content-Disposition: form-data; name="image"; filename="a.png"'


def part(*headers, data=b"hello"):
    return b"--XyZ\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + data + b"\r\n"


def whole(*parts):
    return b"".join(parts) + b"--XyZ--\r\n"


def read(body, boundary=B):
    return list(parts_of(body, boundary))


def refused(body, boundary=B):
    with pytest.raises(Failure) as caught:
        read(body, boundary)
    return caught.value


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\')) | st.just("a b")


@given(st.lists(st.tuples(NAMES, st.none() | NAMES.filter(bool), st.binary() | st.text().map(str.encode))))
def test_what_urllib3_writes_is_read_whole(fields):
    written = [(name, data) if file is None else (name, (file, data, "image/png")) for name, file, data in fields]
    body, content_type = encode_multipart_formdata(written, "cafe0123456789abcdef")
    found = read(body, boundary_of(content_type, read_media_type(content_type)))
    assert [(each.name, each.filename, each.data) for each in found] == fields
    assert [each.media_type and each.media_type.name for each in found] == [
        file and "image/png" for _, file, _ in fields
    ]


@given(st.lists(st.tuples(st.sampled_from(["a", "b c"]), st.text("ab \t-", max_size=9)), min_size=1))
def test_what_the_standard_library_writes_is_read_whole(fields):
    message = Message()
    message.add_header("Content-Type", "multipart/form-data", boundary="=====in=quotes=====")
    for name, text in fields:
        inner = Message()
        inner.add_header("Content-Disposition", "form-data", name=name)
        inner.set_payload(text)
        message.attach(inner)
    written = BytesIO()
    BytesGenerator(written, policy=message.policy.clone(linesep="\r\n")).flatten(message)
    head, _, body = written.getvalue().partition(b"\r\n\r\n")
    stated = head.decode().partition(": ")[2]
    found = read(body, boundary_of(stated, read_media_type(stated)))
    assert [(each.name, each.data.decode()) for each in found] == fields


@pytest.mark.parametrize(
    ("headers", "name", "filename"),
    [
        ((FIELD,), "prompt", None),
        ((b"content-disposition:form-data;name=prompt;filename=a.png",), "prompt", "a.png"),
        ((FILE[:-1] + b"\"; filename*=utf-8''a.png",), "image", "a.png"),
        ((b"Content-Disposition: form-data; name=\"a\"; filename*=utf-8''b",), "a", None),
        ((b'Content-Disposition: form-data; name="a"; filename=""',), "a", ""),
        ((b'Content-Disposition: form-data; name="a; filename=b";',), "a; filename=b", None),
        ((FIELD, b"Content-Transfer-Encoding: 8BIT", b"Content-Length: 5", b"X-Other: \xc3\xa9\tx "), "prompt", None),
        ((b"Content-Disposition: attachment",), None, None),
        ((), None, None),
    ],
)
def test_the_headers_of_a_part(headers, name, filename):
    (found,) = read(whole(part(*headers)))
    assert (found.name, found.filename, found.data) == (name, filename, b"hello")
    assert found.disposed == bool(headers)


def test_no_parts_and_parts_without_data():
    assert read(b"--XyZ--") == read(b"--XyZ--\r\n\r\n") == []
    assert [each.data for each in read(whole(part(FIELD, data=b""), part(data=b"")))] == [b"", b""]
    assert [each.data for each in read(whole(part(FIELD, data=b"\r\n--Xy\r\n")))] == [b"\r\n--Xy\r\n"]


ONE = part(FIELD)
FRAMES = {
    "nothing": b"",
    "text before": b"x\r\n" + whole(ONE),
    "a line before": b"\r\n" + whole(ONE),
    "other hyphens before": whole(ONE).replace(b"--XyZ", b"xxXyZ", 1),
    "text behind": whole(ONE) + b"x",
    "a second body behind": whole(ONE) + whole(ONE),
    "no end": ONE,
    "half an end": ONE + b"--XyZ-",
    "bare line feeds": whole(ONE).replace(b"\r\n", b"\n"),
    "a bare line feed before": whole(part(FIELD, data=b"x\n--XyZ\n" + FIELD + b"\n\ny")),
    "a bare carriage return before": whole(part(FIELD, data=b"x\r--XyZ\r\n" + FIELD)),
    "blanks behind a boundary": whole(ONE.replace(b"XyZ\r\n", b"XyZ \r\n")),
    "a longer boundary": whole(part(FIELD, data=b"\r\n--XyZa\r\n")),
    "in quotes": whole(part(FILE, data=b'\r\n--"XyZ"\r\n' + FIELD + b"\r\n\r\ny")),
    "in other letters": whole(part(FILE, data=b"\r\n--xyz\r\n" + FIELD + b"\r\n\r\ny")),
    "within a line": whole(part(FIELD, data=b"x--XyZ")),
    "one delimiter for two": b"--XyZ\r\n--XyZ--\r\n",
    "no empty line": b"--XyZ\r\n" + FIELD + b"\r\n--XyZ--\r\n",
    "an empty line that is the boundary's": b"--XyZ\r\n\r\n--XyZ--\r\n",
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_body_that_can_be_taken_apart_in_two_ways(frame):
    failure = refused(FRAMES[frame])
    assert failure.reason is Reason.BAD_REQUEST
    assert ("cut short" in failure.message) == (frame == "no end")


HEADERS = {
    "folded": (b'Content-Disposition: form-data; name="a";\r\n filename="b"',),
    "a bare line feed": (b'Content-Disposition: form-data; name="a"\nX: y',),
    "a bare carriage return": (b'Content-Disposition: form-data; name="a"\rX: y',),
    "a line that another alphabet ends": ('Content-Disposition: form-data; name="a\u2028"'.encode(),),
    "a null": (b'Content-Disposition: form-data; name="a\0"',),
    "a blank before the colon": (b'Content-Disposition : form-data; name="a"',),
    "no colon": (b"Content-Disposition",),
    "twice": (FIELD, FIELD),
    "twice in other letters": (FIELD, FILE.lower()),
    "not in UTF-8": (b'Content-Disposition: form-data; name="\xff"',),
    "an open quote": (b'Content-Disposition: form-data; name="a',),
    "a backslash": (b'Content-Disposition: form-data; name="a\\"; filename="b"',),
    "a filename in large letters": (b'Content-Disposition: form-data; name="a"; FILENAME="b"',),
    "two filenames": (b'Content-Disposition: form-data; filename="a"; filename="b"',),
    "a name in pieces": (b'Content-Disposition: form-data; name*0="a"',),
    "another parameter": (b'Content-Disposition: form-data; name="a"; x="b"',),
    "no blank around the sign": (b'Content-Disposition: form-data; name = "a"',),
    "base64": (FIELD, b"Content-Transfer-Encoding: base64"),
    "quoted-printable": (FIELD, b"Content-Transfer-Encoding: Quoted-Printable"),
    "packed": (FIELD, b"Content-Encoding: gzip"),
    "another length": (FIELD, b"Content-Length: 4"),
    "a malformed type": (FILE, b"Content-Type: image"),
    "two types": (FILE, b"Content-Type: image/png, text/plain"),
    "a type's parameter twice": (FILE, b"Content-Type: text/plain; charset=utf-8; charset=utf-16"),
    "too long": (FILE, b"X: " + b"x" * 9000),
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_head_that_can_be_read_in_two_ways(header):
    assert refused(whole(part(*HEADERS[header]))).reason is Reason.BAD_REQUEST


def test_too_many_parts():
    assert len(read(whole(*[ONE] * 1000))) == 1000
    assert refused(whole(*[ONE] * 1001)).reason is Reason.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("parameters", "boundary"),
    [
        ("; boundary=XyZ", b"XyZ"),
        (' ;\tboundary="XyZ" ; charset=utf-8;', b"XyZ"),
        ("; Boundary=----WebKitFormBoundaryAbC0", b"----WebKitFormBoundaryAbC0"),
        ('; type="application/json"; boundary="==a=="; start="<a@b>"', b"==a=="),
        ("; boundary=" + "x" * 70, b"x" * 70),
    ],
)
def test_the_boundary(parameters, boundary):
    stated = "multipart/form-data" + parameters
    assert boundary_of(stated, read_media_type(stated)) == boundary


@pytest.mark.parametrize(
    "parameters",
    [
        *("", "; boundary", "; boundary=", '; boundary=""', "; boundary=" + "x" * 71, "; boundary=a; boundary=b"),
        *("; boundary=a; Boundary=a", "; boundary*=utf-8''a", "; boundary*0=a; boundary*1=b", "; boundary = a"),
        *('; boundary="a', '; boundary="a\\"b"', '; boundary="a b"', '; boundary="a,b"', '; boundary="a;b"'),
        *("; boundary=a,b", "; boundary=a b", "; boundary=a:b", "; boundary=é", '; x="boundary=b"; boundary=a'),
        *("; xboundary=b; boundary=a", ", x; boundary=a", " x; boundary=a", "; boundary='a'"),
    ],
)
def test_a_boundary_that_servers_could_see_in_two_ways(parameters):
    stated = "multipart/form-data" + parameters
    with pytest.raises(Failure) as caught:
        boundary_of(stated, read_media_type(stated))
    assert caught.value.reason is Reason.BAD_REQUEST


# Bodies that are nearly right: whatever another reader takes for a field is heard, or all of it is refused.

TYPES = st.sampled_from(
    [b"multipart/form-data; boundary=XyZ"] * 6
    + [b'multipart/form-data; boundary="XyZ"', b"multipart/mixed; boundary=XyZ", b"multipart/form-data;boundary=XYZ"]
    + [b"multipart/form-data; boundary=x; boundary=XyZ", b"multipart/form-data; x=boundary=q; boundary=XyZ"]
)
LINES = [
    *(b"--XyZ", b"--XyZ", b"--XyZ", b"--XyZ--", b"--xyz", b'--"XyZ"', b"--XyZ ", b" --XyZ", b"--XyZZ", b"--x", b""),
    *(FIELD, FIELD, FILE, b'Content-Disposition: form-data; name="a";', b' filename="b"', FIELD[:-1]),
    *(b"Content-Type: text/plain", b"Content-Type: image/png", b"Content-Type: multipart/mixed; boundary=in", b"--in"),
    *(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: binary", b"", b"", b"secret", b"c2VjcmV0"),
    *(b"Content-Type: text/plain; charset=latin-1", b"Content-Disposition: form-data; name=a; filename*=utf-8''b"),
]
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r"])
NEARLY = st.lists(st.tuples(st.sampled_from(LINES), ENDS).map(b"".join), max_size=12).map(b"".join)
GOOD = st.sampled_from([ONE, part(FILE, b"Content-Type: image/png", data=b"\x89PNG"), part(FIELD, data=b"x\ny")])
BODIES = st.tuples(st.lists(GOOD | NEARLY, max_size=3).map(b"".join), st.just(b"--XyZ--\r\n") | NEARLY).map(b"".join)


@given(TYPES, BODIES)
def test_no_field_that_another_reader_finds_is_overlooked(content_type, body):
    check(content_type + b"\r\n" + body)


@given(st.binary(), st.binary(max_size=3))
def test_any_bytes_are_read_or_refused(body, boundary):
    outcomes = Counter()
    for data in (body, whole(body), whole(part(FIELD, data=body)), whole(part(body))):
        try:
            outcomes["read"] += len(read(data, boundary or B)) >= 0
        except Failure as failure:
            outcomes[failure.reason] += 1
    assert outcomes.keys() <= {"read", Reason.BAD_REQUEST, Reason.BODY_TOO_LARGE}
