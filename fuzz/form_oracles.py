"""What other readers take for the fields of a form of several parts: Werkzeug, python-multipart, Python itself."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import policy
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from typing import Final

from python_multipart import create_form_parser
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

Fields = list[str]

# It says with every refusal where the bytes went wrong.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


def readings(body: bytes, content_type: bytes) -> Iterator[tuple[str, Fields]]:
    """Each reader's name, and all the fields that it finds; nothing of one that refuses."""
    for name, read in _READERS.items():
        with suppress(Exception):  # whatever it raises, its server answers with an error
            yield name, read(body, content_type)


def _werkzeug(body: bytes, content_type: bytes) -> Fields:
    mimetype, options = parse_options_header(content_type.decode("latin-1"))
    parser = FormDataParser(stream_factory=_in_memory, silent=False)
    form = parser.parse(BytesIO(body), mimetype, len(body), options)[1]
    return [value for _, value in form.items(multi=True)]


def _in_memory(*_: object, **__: object) -> BytesIO:
    return BytesIO()


def _python_multipart(body: bytes, content_type: bytes) -> Fields:
    found: list[bytes] = []
    parser = create_form_parser(
        {"Content-Type": content_type}, lambda field: found.append(field.value or b""), lambda _: None
    )
    parser.write(body)
    parser.finalize()
    return [value.decode("utf-8", "replace") for value in found]


def _email(body: bytes, content_type: bytes) -> Fields:
    head = b"Content-Type: " + content_type + b"\r\n\r\n"
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    return [_payload(part) for part in message.walk() if not part.is_multipart() and _is_field(part)]


def _is_field(part: Message) -> bool:
    return part.get_param("name", header="content-disposition") is not None and part.get_filename() is None


def _payload(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


_READERS: Final[dict[str, Callable[[bytes, bytes], Fields]]] = {
    "Werkzeug": _werkzeug,
    "python-multipart": _python_multipart,
    "email": _email,
}
