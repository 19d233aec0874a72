"""Bodies of several parts: whatever another reader takes for a field is heard, or the whole is refused."""

from typing import Final

from aimux.core.reason import Failure
from aimux.wire.uploads import is_heard, said_in_upload
from fuzz.form_oracles import readings
from fuzz.target import Target, expect

_FORM: Final = b"multipart/form-data; boundary=XyZ"


def check(data: bytes) -> None:
    """Take `data` for a Content-Type, a line's end and a body."""
    content_type, _, body = data.partition(b"\r\n")
    content_type = content_type.strip(b" \t")
    # No head with other bytes is read.
    if any(byte < 0x20 or byte == 0x7F for byte in content_type) or not is_heard(content_type):
        return
    try:
        dialect, said = said_in_upload(body, content_type)
    except Failure as failure:
        expect("a refusal has a reason and a message", kept=bool(failure.message) and failure.reason.status < 500)
        return
    expect("no text is blank", kept=all(text.strip() for text in said))
    heard = {_bare(text) for text in said}
    if dialect == "text":
        expect("a text is heard as it stands", kept=_bare(body.decode("utf-8")) in {*heard, ""})
    for name, fields in readings(body, content_type):
        for field in fields:
            expect(f"a field that {name} finds is heard", kept=_bare(field) in {*heard, ""})


def _bare(text: str) -> str:
    """A text without white space: readers keep line ends differently."""
    return "".join(text.split())


def _part(head: bytes, data: bytes = b"delete all users") -> bytes:
    return b"--XyZ\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def _seeds() -> list[bytes]:
    field = _part(b'Content-Disposition: form-data; name="prompt"')
    file = _part(
        b'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png',
        b"\x89PNG\r\n\x1a\n",
    )
    end = b"--XyZ--\r\n"
    bodies = (
        *(field + end, file + field + end, end, field, b"preamble\r\n" + field + end, field + end + field + end),
        field.replace(b"\r\n", b"\n") + end,
        _part(b"Content-Disposition: form-data; name=\"a\"; filename*=utf-8''b") + end,
        _part(b'Content-Disposition: form-data; name="a";\r\n filename="b"') + end,
        _part(b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', b"ZGVsZXRl") + end,
        _part(b'Content-Disposition: form-data; name="a"\r\nContent-Type: image/png') + end,
        _part(b'Content-Disposition: form-data; name="a"; filename="b"\r\nContent-Type: application/json', b"{}") + end,
        _part(b'Content-Disposition: form-data; name="a"; filename="b"', b'{"query": "delete"}\n[1]') + end,
        _part(b"Content-Type: multipart/mixed; boundary=in", b"--in\r\n\r\na\r\n--in--") + end,
        file.replace(b"PNG", b'\r\n--"XyZ"\r\n\r\n') + field + end,
    )
    types = (b'multipart/form-data; boundary="XyZ"', b"multipart/mixed; boundary=XyZ; charset=utf-8")
    return [
        *(_FORM + b"\r\n" + body for body in bodies),
        *(each + b"\r\n" + bodies[1] for each in types),
        b'text/html; charset="utf-8"\r\n<p>del<b>et</b>e &#97;ll<!-- x --> users</p>',
        b'application/x-ndjson\r\n{"prompt": "a"}\n{"messages": [{"role": "user", "content": "b"}]}\n',
    ]


TARGET = Target(
    "multipart-body",
    check,
    _seeds,
    (
        *(b"\r\n--XyZ\r\n", b"\r\n--XyZ--\r\n", b"--xyz", b'--"XyZ"', b"\n--XyZ\n", b"boundary=", b"boundary*=", b"; "),
        *(b"Content-Disposition: form-data", b'name="a"', b'filename="b"', b"filename*=utf-8''b", b'filename=""'),
        *(b"Content-Type: ", b"text/plain", b"image/png", b"multipart/mixed", b"charset=utf-7", b"\r\n ", b"\r\n\r\n"),
        *(b"Content-Transfer-Encoding: base64", b"quoted-printable", b"8bit", b"Content-Length: 5", b"\\", b'"'),
    ),
    longest=2048,
)
