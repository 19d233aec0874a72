"""Where identity and text are in each kind of request: query and headers, JSON, plain text, forms."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import parse_qsl

from aimux.core.identity import Claim
from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure, Reason
from aimux.core.request import SILENT, Action, ChosenBy, Facts, Flaw, Opaque, Reading
from aimux.wire.actions import action_of_head
from aimux.wire.claims import header_claims, is_name, query_claims
from aimux.wire.conversations import heard, heard_in_passing, meaningful
from aimux.wire.decode import decode, read_json
from aimux.wire.documents import MARK_BYTES, may_be_json, read_document, said_in_json
from aimux.wire.http1 import Head, bad
from aimux.wire.media_types import UTF8, is_json
from aimux.wire.spoken import earlier_turns
from aimux.wire.uploads import disguised, is_heard, said_in_bytes, said_in_upload, texts_of_form

ROUTE_HEADER = b"x-aimux-route"
_MCP_VERSION = b"mcp-protocol-version"
_TEXT_PARAMETERS = ("q", "query")
_TEXT_FIELDS = ("q", "query", "prompt", "input")
_JSON_DIALECTS = ("json", "messages", "a2a", "mcp")
_LONGEST_KEPT = 128
_MARKS = 64
# Decoding an escape takes two hundred bytes of memory for the three that it is written with.
_MOST_ESCAPES = 100_000
_ASCII = bytes(range(128))
_MOST_OPENINGS = 512


class BodyKind(Enum):
    """How a body is to be read."""

    OPAQUE = auto()
    JSON = auto()
    JSON_OR_OPAQUE = auto()
    JSON_OR_FORM = auto()
    TEXT = auto()
    MULTIPART = auto()
    """A form of several parts."""
    HEARD = auto()
    """No route is chosen by it, but it is heard."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The head of a request as read, and the kind of its body, which has this Content-Type.

    `silent` is the reading of a body that is known to say nothing without being read, else None. The route's name, and
    what names it, are as in `Facts`.
    """

    head: Reading
    route_name: str | None
    method: str
    path: str
    silent: Reading | None
    body: BodyKind
    content_type: bytes
    named_by: ChosenBy = ChosenBy.NAME
    names_differ: bool = False

    def facts(self, now: float) -> Facts:
        """The facts of a request with this head, as they are at this moment, in seconds since the epoch."""
        facts = Facts(self.head, self.route_name, self.method, self.path, now, (), None, self.silent)
        if self.named_by is not ChosenBy.NAME:
            facts.named_by, facts.names_differ = self.named_by, self.names_differ
        return facts


def read_opening(head: Head, sources: IdentitySources, *, hears: bool = False) -> Opening:
    """What a head says; `hears` as for `read_body`. Raises Failure where it cannot be read in one way only."""
    return _remembered_opening(head, sources, hears=hears) if head.remembered else _opening(head, sources, hears=hears)


def _opening(head: Head, sources: IdentitySources, *, hears: bool) -> Opening:
    kind = body_kind(head, hears=hears)
    address, name = head.address, named_route(head)
    by, differ, document = ChosenBy.NAME, False, ""
    if address is not None:
        by, differ, name = ChosenBy.PREFIX, name not in {None, address.prefix.route}, address.prefix.route
        document = address.inserted.decode("ascii")
    # A body that cannot speak of identity, nor of a text that is wanted, is known to be silent without being read.
    is_silent = kind is BodyKind.OPAQUE or (kind is BodyKind.MULTIPART and name is not None)
    silent = SILENT if is_silent and (head.length == 0 or not hears) else None
    said = read_head(head, sources, hears=hears)
    # A document of a path is asked for, and not what lies at the path.
    said.action = action_of_head(head.method, document + head.path_text, speaks_mcp=_MCP_VERSION in head.first)
    content_type = head.first.get(b"content-type", b"")
    return Opening(said, name, head.method, head.path_text, silent, kind, content_type, by, differ)


_remembered_opening = lru_cache(maxsize=_MOST_OPENINGS)(_opening)


def read_head(head: Head, sources: IdentitySources, *, hears: bool = False) -> Reading:
    """What query and headers say: claims in order of precedence, and the text, if any. A fault is in `flaw`.

    `hears`: what the query says beside the text counts.
    """
    try:
        claims = header_claims(head, sources)
        if not head.query:
            return Reading(tuple(claims))
        pairs = _pairs(head.query.decode("ascii"))
        claims = [*query_claims(pairs, sources), *claims]
        found = _of_fields(pairs, tuple(claims), "query", _TEXT_PARAMETERS) or Reading(tuple(claims))
        if not hears:
            return found
        names = sources.query_params
        rest = [
            value for name, value in pairs if name not in _TEXT_PARAMETERS and not (name in names and is_name(value))
        ]
        return _with_others(found, heard_in_passing(rest), "query")
    except Failure as failure:
        return Reading(flaw=Flaw(failure.reason, failure.message))


def speaking_params(sources: IdentitySources) -> frozenset[str]:
    """The query parameters by which a request is decided: they name its caller, or hold its text."""
    return frozenset({*sources.query_params, *_TEXT_PARAMETERS})


def named_route(head: Head) -> str | None:
    """The route that the request's header names, or None. Raises Failure where two are named."""
    values = head.values(ROUTE_HEADER)
    if not values:
        return None
    if any(value != values[0] for value in values):
        raise bad("the header X-AIMux-Route names two routes")
    return values[0].decode("latin-1")


def body_kind(head: Head, *, hears: bool = False) -> BodyKind:
    """How the body would be read, by its Content-Type, which may stand only once; `hears` as for `read_body`.

    Raises Failure for two of them, and for another charset than UTF-8 where a route is chosen by the body.
    """
    if head.length == 0:
        return BodyKind.OPAQUE
    kind = _kind_of_type(head.single(b"content-type") or b"")
    if kind is None:
        raise Failure(Reason.UNSUPPORTED_ENCODING, "a body that is read must be in UTF-8")
    return (
        BodyKind.HEARD if hears and kind is BodyKind.OPAQUE and is_heard(head.first.get(b"content-type", b"")) else kind
    )


def _kind_of_type(content_type: bytes) -> BodyKind | None:
    return _short_kind_of_type(content_type) if len(content_type) <= _LONGEST_KEPT else _read_type(content_type)


def _read_type(content_type: bytes) -> BodyKind | None:
    """How a body of a Content-Type is to be read; None where it should be but is in another charset than UTF-8."""
    media_type, _, parameters = content_type.partition(b";")
    kind = _kind_of(media_type.strip().lower())
    return kind if kind is BodyKind.OPAQUE or _is_utf8(parameters) else None


_short_kind_of_type = lru_cache(maxsize=128)(_read_type)


def _kind_of(media_type: bytes) -> BodyKind:
    if is_json(media_type.decode("latin-1")):
        return BodyKind.JSON
    if media_type == b"multipart/form-data":
        return BodyKind.MULTIPART
    if media_type == b"application/x-www-form-urlencoded":
        return BodyKind.JSON_OR_FORM
    if media_type == b"text/plain":
        return BodyKind.TEXT
    return BodyKind.OPAQUE if media_type else BodyKind.JSON_OR_OPAQUE


def _is_utf8(parameters: bytes) -> bool:
    for parameter in parameters.lower().split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name.strip() == b"charset" and value.strip().strip(b'"').decode("latin-1") not in UTF8:
            return False
    return True


def read_body(
    body: bytes,
    kind: BodyKind,
    codings: Sequence[bytes],
    sources: IdentitySources,
    limit: int,
    *,
    hears: bool = False,
    content_type: bytes = b"",
    action: Action | None = None,
) -> Reading:
    """What a body says. `codings` are its Content-Encoding values, `limit` the most bytes it may decode to.

    `action` is what the head says that the request asks for.
    `hears`: what is said beside the text counts, also in texts of other types, in parts as `content_type` says, and in
    JSON that goes by another type, which many servers take.
    """
    try:
        if len(codings) > 1:
            raise Failure(Reason.UNSUPPORTED_ENCODING, "a body may have one Content-Encoding only")
        body = decode(body, codings[0], limit) if codings else body
        if kind is BodyKind.HEARD:
            dialect, beside = said_in_upload(body, content_type)
            found = Reading(dialect=dialect, beside=beside)
        elif kind is BodyKind.MULTIPART:
            found = _read_form(body, content_type, hears=hears)
        else:
            found = _read(body, kind, sources, action, hears=hears)
        if not hears or found.dialect in _JSON_DIALECTS:
            return found
        if may_be_json(body.lstrip(MARK_BYTES)[:1]):
            return replace(found, dialect=found.dialect or "json", beside=(*found.beside, *_disguised(body, kind)))
        return replace(found, opaque=Opaque.UNHEARD) if body and not found.dialect else found
    except Failure as failure:
        return Reading(flaw=Flaw(failure.reason, failure.message))


def read_earlier(body: bytes, codings: Sequence[bytes], limit: int) -> tuple[str, ...]:
    """The texts of the user before the last one in a body that `read_body` has read as a conversation.

    Raises Failure for one that is none.
    """
    document = read_json(decode(body, codings[0], limit) if codings else body)
    return earlier_turns(document) if isinstance(document, dict) else ()


def _disguised(body: bytes, kind: BodyKind) -> Iterable[str]:
    if kind not in (BodyKind.TEXT, BodyKind.JSON_OR_FORM, BodyKind.HEARD):
        return disguised(body)
    with suppress(Failure):  # it is read as what it says that it is
        return said_in_json(body)
    return ()


def _read_form(body: bytes, content_type: bytes, *, hears: bool) -> Reading:
    found = _of_fields(texts_of_form(body, content_type, _TEXT_FIELDS), (), "multipart", _TEXT_FIELDS)
    found = found or Reading(dialect="multipart")
    if not hears:
        return found
    _, said = said_in_upload(body, content_type)
    return replace(found, beside=tuple(text for text in said if text != found.text))


def _read(body: bytes, kind: BodyKind, sources: IdentitySources, action: Action | None, *, hears: bool) -> Reading:
    if kind is BodyKind.TEXT:
        return Reading(text=meaningful(_utf8(body)), dialect="text")
    if kind is BodyKind.JSON or (kind is not BodyKind.OPAQUE and body.lstrip(b" \t\r\n").startswith(b"{")):
        return read_document(read_json(body), sources.body_field, hears=hears, action=action) if body else SILENT
    if kind is not BodyKind.OPAQUE and body[:_MARKS].lstrip(MARK_BYTES).startswith(b"{"):
        raise bad("a JSON body must be in UTF-8, without a byte order mark")
    if kind is BodyKind.JSON_OR_OPAQUE and hears:
        beside = said_in_bytes(body)
        return Reading(dialect="text", beside=beside) if beside else SILENT
    if kind is BodyKind.JSON_OR_FORM:
        # Beside an escape, each change between ASCII and the rest costs what an escape costs.
        if b"%" in body and body.count(b"%") + len(body.translate(None, _ASCII)) > _MOST_ESCAPES:
            raise Failure(Reason.BODY_TOO_LARGE, f"the form holds more than {_MOST_ESCAPES} escapes: send JSON instead")
        pairs = _pairs(_utf8(body))
        found = _of_fields(pairs, (), "form", _TEXT_FIELDS) or Reading(dialect="form")
        rest = heard([text for name, text in pairs if name not in _TEXT_FIELDS and meaningful(text)])
        return _with_others(found, rest, "form") if hears else found
    return SILENT


def _pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except UnicodeDecodeError as error:
        raise bad("the query or form is not valid UTF-8") from error
    except ValueError as error:
        raise bad("the query or form has too many fields") from error


def _of_fields(
    pairs: Sequence[tuple[str, str]], claims: tuple[Claim, ...], dialect: str, names: Sequence[str]
) -> Reading | None:
    """What a query or form says: its first text, the name that this stands under, and the texts beside it."""
    for name in names:
        values = [value for key, value in pairs if key == name]
        if any(value != values[0] for value in values[1:]):
            raise bad(f"the text ({name}) is given twice with different values")
        if values and meaningful(values[0]):
            others = [text for key, text in pairs if key in names and key != name and meaningful(text)]
            return Reading(claims, values[0], dialect, field=name, beside=tuple(others))
    return None


def _with_others(found: Reading, others: Iterable[str], dialect: str) -> Reading:
    """With what a query or form says under other names than a text's."""
    beside = (*found.beside, *others)
    return replace(found, dialect=dialect, beside=beside) if beside else found


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad("the body is not valid UTF-8") from error
