"""A body of several parts (RFC 2046, RFC 7578), read strictly: what can be taken apart in two ways is refused.

The boundary may stand nowhere but where a part begins or all ends, so that there is one way only to tell the parts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import bad
from aimux.wire.media_types import WORD, MediaType, read_media_type

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z+_.=-]{1,70}")
_NAMED: Final = re.compile(r"boundary[ \t]*\*?=", re.IGNORECASE)
_HEADER: Final = re.compile(rf"({WORD}):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*+)")
_VALUE: Final = rf'(?:{WORD}|"[^"\\]*+")'
_DISPOSITION: Final = re.compile(rf"{WORD}((?:[ \t]*+;[ \t]*+(?:{WORD}={_VALUE})?+)*+)[ \t]*+")
_PARAMETER: Final = re.compile(rf"({WORD})=({_VALUE})")
_PARAMETERS: Final = frozenset(("name", "filename", "filename*"))
_PLAIN: Final = ("7bit", "8bit", "binary")
_MOST_PARTS: Final = 1000
_LONGEST_HEAD: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body.

    `name` and `filename` are None where its Content-Disposition does not give them; `disposed` tells whether it has one
    at all. `media_type` is None where it says nothing of that.
    """

    data: bytes
    name: str | None
    filename: str | None
    disposed: bool
    media_type: MediaType | None


def boundary_of(content_type: str, media_type: MediaType) -> bytes:
    """What stands between the parts of a body of this type. Raises Failure where servers could see another."""
    boundary = media_type.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary) or len(_NAMED.findall(content_type)) != 1:
        raise bad("a multipart body needs one boundary of up to 70 letters, digits and + _ . = - in its Content-Type")
    return boundary.encode("ascii")


def parts_of(body: bytes, boundary: bytes) -> Iterator[Part]:
    """The parts of a body. Raises Failure for whatever is not exactly as it must be."""
    for start, end in _framed(body, boundary):
        yield _part(body, start, end)


def _framed(body: bytes, boundary: bytes) -> list[tuple[int, int]]:
    """Where each part's head begins, and where its data end."""
    delimiter = b"--" + boundary
    if not body.startswith(delimiter):
        raise bad("a multipart body must begin with its boundary")
    frames: list[tuple[int, int]] = []
    at = len(delimiter)
    while body.startswith(b"\r\n", at):
        end = body.find(b"\r\n" + delimiter, at)
        if end < 0:
            raise bad("the multipart body is cut short: it must end with its boundary and two hyphens")
        frames.append((at + 2, end))
        if len(frames) > _MOST_PARTS:
            raise Failure(Reason.BODY_TOO_LARGE, f"the multipart body has more than {_MOST_PARTS} parts: send fewer")
        at = end + 2 + len(delimiter)
    if not body.startswith(b"--", at) or body[at + 2 :].strip(b"\r\n"):
        raise bad(
            "each boundary in the multipart body must be a line that ends with CRLF, and nothing may follow the last"
        )
    # A server that looks for the boundary with other line ends, in quotes or in small letters would find these too.
    if body.lower().count(boundary.lower()) != len(frames) + 1:
        raise bad("the boundary stands in the multipart body elsewhere than between its parts: choose a longer one")
    return frames


def _part(body: bytes, start: int, end: int) -> Part:
    headers: Mapping[str, str] = {}
    if body.startswith(b"\r\n", start):
        data = start + 2
    else:
        stop = body.find(b"\r\n\r\n", start, min(end, start + _LONGEST_HEAD))
        if stop < 0:
            raise bad(
                f"a part of the multipart body has no empty line after its headers, or over {_LONGEST_HEAD} bytes"
            )
        headers, data = _headers(body[start:stop]), stop + 4
    if data > end:
        raise bad("a part of the multipart body has no empty line after its headers")
    if headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN or "content-encoding" in headers:
        raise bad("a part of the multipart body is encoded: send it as it is, without Content-Transfer-Encoding")
    if headers.get("content-length", str(end - data)) != str(end - data):
        raise bad("the Content-Length of a part of the multipart body is not its length: leave it out")
    disposition = headers.get("content-disposition")
    given = {} if disposition is None else _disposition(disposition)
    stated = headers.get("content-type")
    media_type = None if stated is None else read_media_type(stated)
    return Part(body[data:end], given.get("name"), given.get("filename"), disposition is not None, media_type)


def _headers(head: bytes) -> Mapping[str, str]:
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise bad("the headers of a part of the multipart body are not valid UTF-8") from error
    found: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None or match[1].lower() in found:
            raise bad("a header of a part of the multipart body is malformed, folded or there twice")
        found[match[1].lower()] = match[2].rstrip(" \t")
    return found


def _disposition(value: str) -> Mapping[str, str]:
    match = _DISPOSITION.fullmatch(value)
    pairs = [] if match is None else [(name, given.strip('"')) for name, given in _PARAMETER.findall(match[1])]
    found = dict(pairs)
    if match is None or len(found) != len(pairs) or not found.keys() <= _PARAMETERS:
        raise bad(
            'the Content-Disposition of a part must be like form-data; name="a"; filename="b": each once, in small '
            "letters, without backslashes"
        )
    return found
