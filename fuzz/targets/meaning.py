"""Who asks and what for, from head and body: only what stands in a place that the documents list, exactly so."""

import json
import re
from typing import Final

from aimux.core.gates import identify
from aimux.core.identity import Principal
from aimux.core.policy import IdentitySources, Policy
from aimux.core.reason import Failure, Reason
from aimux.core.refusal import Refusal
from aimux.core.request import Facts, Reading
from aimux.wire.decode import decode
from aimux.wire.dialects import BodyKind, body_kind, named_route, read_body, read_head
from aimux.wire.http1 import Head, HeadLimits, find_head, parse_head
from fuzz import reference, seeds
from fuzz.reference import Given
from fuzz.target import Target, expect

_LIMITS: Final = HeadLimits()
_SOURCES: Final = IdentitySources()
_AGENTS: Final = frozenset({"finance-bot", "admin-bot"})
_HOUSE: Final = Policy.of((), agents=_AGENTS)
_MOST_DECODED: Final = 1 << 20
_TWINS: Final = frozenset(name.encode() for name in reference.HEADERS)


def check(data: bytes) -> None:
    """Take `data` for a target, header lines, an empty line and a body; the framing is put in between."""
    start, _, body = data.partition(b"\r\n\r\n")
    target, *lines = start.split(b"\r\n")
    framing = b"Content-Length: %d" % len(body)
    raw = b"\r\n".join([b"POST " + target + b" HTTP/1.1", b"Host: gateway:8080", *lines, framing, b"", b""])
    try:
        if find_head(raw, _LIMITS) != len(raw):
            return
        head = parse_head(raw, _LIMITS)
        named_route(head)
        kind = body_kind(head)
    except Failure:
        return
    in_head = read_head(head, _SOURCES)
    codings = head.values(b"content-encoding")
    stated = head.first.get(b"content-type", b"")
    in_body = read_body(body, kind, codings, _SOURCES, _MOST_DECODED, content_type=stated)
    kind_heard = body_kind(head, hears=True)
    heard = read_body(body, kind_heard, codings, _SOURCES, _MOST_DECODED, hears=True, content_type=stated)
    if heard.flaw is None or in_body.flaw is not None:
        alike = (heard.text, heard.claims, heard.flaw) == (in_body.text, in_body.claims, in_body.flaw)
        expect("what else is heard changes neither the text nor who asks", kept=alike)
    else:
        unread = kind in {BodyKind.OPAQUE, BodyKind.JSON_OR_OPAQUE}
        expect("hearing refuses only what is not read otherwise, or too much", kept=unread or _is_too_much(heard))
    _expect_a_reading(in_head, {"query", ""})
    _expect_a_reading(in_body, {"json", "messages", "a2a", "mcp", "text", "form", "multipart", ""})
    readable = in_body.flaw is None or in_body.flaw.reason is Reason.IDENTITY_MALFORMED
    document = _document(body, kind, head) if readable else None
    given = reference.names_in_head(head.query, lines) + reference.names_in_document(document)
    _expect_the_claims(in_head, in_body, given)
    _expect_the_caller(identify(Facts(in_head, body=in_body), _HOUSE), given, lines)
    if in_body.dialect in {"json", "messages", "a2a", "mcp"}:
        text = reference.text_in_document(document)
        alike = in_body.text == text or (text == reference.ASKED and in_body.dialect in {"mcp", "a2a", "json"})
        expect("the text is the one that the documents name", kept=alike)


def _expect_a_reading(reading: Reading, dialects: set[str]) -> None:
    expect("a dialect is one of those that this part can be in", kept=reading.dialect in dialects)
    expect("a text is not blank", kept=reading.text is None or bool(reading.text.strip()))
    expect("no claim has an empty name", kept=all(claim.name != "" for claim in reading.claims))
    if reading.flaw is not None:
        expect("what cannot be read says nothing", kept=reading == Reading(flaw=reading.flaw))
        expect(
            "a flaw has a reason and a message", kept=bool(reading.flaw.message) and reading.flaw.reason.status < 500
        )


def _is_too_much(reading: Reading) -> bool:
    return reading.flaw is not None and reading.flaw.reason is Reason.BODY_TOO_LARGE


def _document(body: bytes, kind: BodyKind, head: Head) -> object:
    """The body as JSON, where it is to be read so."""
    for coding in head.values(b"content-encoding"):
        body = decode(body, coding, _MOST_DECODED)
    looks_so = kind in {BodyKind.JSON_OR_OPAQUE, BodyKind.JSON_OR_FORM} and body.lstrip(b" \t\r\n").startswith(b"{")
    return json.loads(body) if body and (kind is BodyKind.JSON or looks_so) else None


def _expect_the_claims(in_head: Reading, in_body: Reading, given: list[Given]) -> None:
    for reading in (in_head, in_body):
        for claim in reading.claims:
            there = [each for each in given if (each.place, each.field) == (claim.place.value, claim.field)]
            there_is = len(there) == 1 and (
                set(there[0].values) == {claim.name} if there[0].sound else claim.name is None
            )
            expect("a name stands where it is said to", kept=there_is)
    expect("a body is no head", kept=all(claim.place.value == "body" for claim in in_body.claims))
    expect("a head is no body", kept=all(claim.place.value != "body" for claim in in_head.claims))


def _expect_the_caller(found: object, given: list[Given], lines: list[bytes]) -> None:
    if isinstance(found, Principal):
        expect("a caller is known only where every place of the head is sound", kept=_is_sound(given))
        name = given[0].values[0] if given else None
        expect("the first place counts, and none means anonymous", kept=found.agent == name)
        expect("a caller is registered", kept=name is None or name in _AGENTS)
        others = [each.values[0] if each.sound else None for each in given if each.values[0] != name]
        expect("later names are conflicts", kept=[claim.name for claim in found.conflicts] == others)
        return
    expect("all that is needed to tell the caller was there", kept=isinstance(found, Refusal))
    if isinstance(found, Refusal) and found.reason is Reason.UNKNOWN_AGENT:
        expect("only a name that is not registered is unknown", kept=given[0].values[0] not in _AGENTS)
    if isinstance(found, Refusal) and found.reason is Reason.IDENTITY_MALFORMED:
        expect("nothing is malformed without need", kept=not _is_sound(given) or _is_odd(lines))


def _is_sound(given: list[Given]) -> bool:
    """Whether a caller can be known: what is no name in a body matters only where nothing before it names anybody."""
    return all(each.sound for each in given if each.place != "body" or each is given[0])


def _is_odd(lines: list[bytes]) -> bool:
    """Whether an identity header is padded, or has other marks in its name than hyphens."""
    for line in lines:
        name, _, value = line.partition(b":")
        plain = re.sub(rb"[^a-z0-9]", b"-", name.lower())
        if plain in _TWINS and (
            plain != name.lower() or value.removeprefix(b" ").strip(b" \t") != value.removeprefix(b" ")
        ):
            return True
    return False


def _seeds() -> list[bytes]:
    json_type = b"/\r\nContent-Type: application/json\r\n\r\n"
    return [
        json_type + b'{"agent": "finance-bot", "query": "a"}',
        json_type + b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]}]}',
        b"/?client_id=finance-bot&agent=admin-bot&q=a\r\nX-Source-Agent: finance-bot\r\nX-Client-ID: admin-bot\r\n\r\n",
        b"/\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nanalyse",
        b"/\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nq=a+b&agent=finance-bot",
        b"/\r\nContent-Type: multipart/form-data; boundary=XyZ\r\n\r\n--XyZ\r\n\r\nb\r\n--XyZ--\r\n",
        b"/\r\nContent-Type: text/html\r\n\r\n<p>analyse",
        b'/\r\nContent-Type: application/jsonl\r\n\r\n{"agent": "finance-bot", "query": "a"}\n{}',
        json_type + b'{"input": ["a", {"type": "text", "text": "b"}], "inputs": [[1]], "texts": ["c"]}',
        json_type
        + b'{"contents": [{"role": "user", "parts": [{"text": "a"}]}], "content": {"parts": [{"text": "b"}]}}',
        json_type + b'{"requests": [{"content": {"parts": [{"text": "a"}]}}], "message": {"parts": [{"text": "b"}]}}',
        json_type + b'{"method": "tools/call", "params": {"name": "a", "arguments": {"b": "c"}, "message": {}}}',
        *seeds.messages(),
    ]


TARGET = Target(
    "meaning",
    check,
    _seeds,
    (
        *(
            b"client_id=",
            b"agent=",
            b"source=",
            b"finance-bot",
            b"admin-bot",
            b"X-Source-Agent: ",
            b"X-Client-ID: ",
            b"%2D",
            b"&q=",
        ),
        *(
            b"Content-Type: application/json",
            b"text/plain",
            b"text/html",
            b"application/jsonl",
            b"multipart/form-data; boundary=XyZ",
            b"--XyZ",
            b"application/x-www-form-urlencoded",
            b"Content-Encoding: ",
            b"gzip",
        ),
        *(
            b'"agent": ',
            b'"messages": [',
            b'"role": "user"',
            b'"content": ',
            b'"type": "text"',
            b'"text": ',
            b"\r\n\r\n",
            b"X_Source_Agent: ",
        ),
    ),
    longest=2048,
)
