"""What is said in a body that no route is chosen by: texts of many types, lines of JSON, forms of several parts.

Heard is what somebody could take for a text. Images, recordings and archives are not, unless they begin like JSON.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from html import unescape
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.wire.conversations import meaningful
from aimux.wire.documents import MARK_BYTES, may_be_json, said_in_json, said_in_lines
from aimux.wire.http1 import bad
from aimux.wire.media_types import UTF8, Manner, MediaType, manner_of, read_media_type
from aimux.wire.multipart import Part, boundary_of, parts_of

# More would be refused when it is to be scored: reading it in several ways should cost nothing.
_LONGEST: Final = 128 * 1024
_TAG: Final = re.compile(r"<[^<>]*+>")
_STATED: Final = re.compile(r"<\?xml[^<>]*?\sencoding\s*+=\s*+[\"']([^\"'<>]*+)")
# Each can take as long to read as a body of JSON may.
_MOST_DOCUMENTS: Final = 8
_FORM_CHARSET: Final = "_charset_"
_READ: Final = (Manner.TEXT, Manner.MARKUP, Manner.LINES, Manner.MULTIPART)


def is_heard(content_type: bytes) -> bool:
    """Whether what has this Content-Type is read here. One that only speaks of multipart is, and is refused."""
    name = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    return manner_of(name) in _READ or b"multipart" in content_type.lower()


def said_in_upload(body: bytes, content_type: bytes) -> tuple[str, tuple[str, ...]]:
    """In which dialect a body speaks that `is_heard`, and all that is said in it.

    Raises Failure for what others could read in another way.
    """
    stated = content_type.decode("latin-1")
    media_type = read_media_type(stated)
    manner = manner_of(media_type.name)
    if manner is Manner.MULTIPART:
        return "multipart", _bounded(_in_parts(body, boundary_of(stated, media_type), media_type))
    if manner not in _READ:
        raise bad("the Content-Type speaks of multipart and is another: write multipart/form-data; boundary=...")
    return "json" if manner is Manner.LINES else "text", _bounded(_in(body, manner, media_type))


def texts_of_form(body: bytes, content_type: bytes, names: Sequence[str]) -> list[tuple[str, str]]:
    """The fields of a multipart/form-data body with one of these names, which are no files.

    Raises Failure for a body that can be taken apart in two ways, and for a field that is not in UTF-8.
    """
    stated = content_type.decode("latin-1")
    media_type = read_media_type(stated)
    return [
        (part.name, _field_text(part))
        for part in parts_of(body, boundary_of(stated, media_type))
        if part.name in names and part.name is not None and part.filename is None
    ]


def _bounded(texts: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    left = _LONGEST
    for text in texts:
        left -= len(text)
        if left < 0:
            raise _too_long()
        found.append(text)
    return tuple(found)


def _too_long() -> Failure:
    return Failure(Reason.BODY_TOO_LARGE, f"what is read of the body for guards has more than {_LONGEST} characters")


def disguised(data: bytes) -> tuple[str, ...]:
    """What JSON says that goes by another type. Raises Failure for what a less strict server may take for JSON."""
    try:
        return said_in_lines(data)
    except Failure as failure:
        remedy = "what begins like JSON is read for guards; send a file of another kind in an archive"
        raise Failure(failure.reason, f"{failure.message} ({remedy})") from failure


def _in_parts(body: bytes, boundary: bytes, whole: MediaType) -> Iterator[str]:
    whole.check_charset()
    documents = 0
    for part in parts_of(body, boundary):
        manner = Manner.BYTES if part.media_type is None else manner_of(part.media_type.name)
        if manner in (Manner.MULTIPART, Manner.WRAPPED):
            raise bad("a part of the multipart body holds parts, a message or a form of its own: send it by itself")
        # Many servers go by the filename, and not by the type.
        if not (part.filename or (not part.disposed and whole.name != "multipart/form-data")):
            yield from _in_field(part, manner)
            continue
        unstated = manner in (Manner.BYTES, Manner.MEDIA)
        begins_like_json = unstated and may_be_json(part.data.lstrip(MARK_BYTES)[:1])
        documents += begins_like_json or manner in (Manner.JSON, Manner.LINES)
        if documents > _MOST_DOCUMENTS:
            raise Failure(
                Reason.BODY_TOO_LARGE, f"the multipart body has over {_MOST_DOCUMENTS} files of JSON: send fewer"
            )
        if begins_like_json:
            yield from disguised(part.data)
        elif manner is Manner.BYTES:
            yield from said_in_bytes(part.data)
        elif not unstated and part.media_type is not None and part.data:
            yield from _in(part.data, manner, part.media_type)


def _field_text(part: Part) -> str:
    if part.media_type is not None:
        part.media_type.check_charset()
    try:
        return part.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad("a field of the multipart body is not valid UTF-8: a file needs a filename") from error


def _in_field(part: Part, manner: Manner) -> Iterator[str]:
    text = _field_text(part)
    if part.name is not None and part.name.lower() == _FORM_CHARSET and text.strip().lower() not in UTF8:
        raise Failure(Reason.UNSUPPORTED_ENCODING, "the fields of a form that is read for guards must be in UTF-8")
    yield from _ways_to_read(text, is_markup=manner is Manner.MARKUP)


def said_in_bytes(data: bytes) -> tuple[str, ...]:
    """What is said in data of no type that tells: all of it where it can be a text. Raises Failure for too much."""
    with suppress(UnicodeDecodeError):
        return tuple(_ways_to_read(data.decode("utf-8"), is_markup=False))
    return ()


def _in(data: bytes, manner: Manner, media_type: MediaType) -> Iterator[str]:
    media_type.check_charset()
    if manner is Manner.JSON:
        yield from said_in_json(data)
    elif manner is Manner.LINES:
        yield from said_in_lines(data)
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise bad("a text that is read for guards is not valid UTF-8") from error
        yield from _ways_to_read(text, is_markup=manner is Manner.MARKUP)


def _ways_to_read(text: str, *, is_markup: bool) -> Iterator[str]:
    """A text as it stands, and without its marks: whoever gets it may take it so."""
    if len(text) > _LONGEST:
        raise _too_long()
    yield from filter(meaningful, dict.fromkeys((text, *(_without_marks(text) if is_markup else ()))))


def _without_marks(text: str) -> Iterator[str]:
    """A text without tags and comments, its references resolved: these may stand inside of a word or between two."""
    stated = _STATED.search(text)
    if "<!ENTITY" in text or (stated is not None and stated[1].lower() not in UTF8):
        raise bad("XML that is read for guards must be in UTF-8 and may define no entities")
    bare = _without_comments(text).replace("<![CDATA[", "").replace("]]>", "")
    for between in ("", " "):
        yield unescape(_TAG.sub(between, bare))


def _without_comments(text: str) -> str:
    pieces: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        pieces.append(text[at:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join((*pieces, text[at:]))
