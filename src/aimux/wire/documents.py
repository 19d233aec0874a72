"""What a JSON body says: its caller, the text that it is routed by, and what else is said in it."""

from dataclasses import replace
from typing import Final

from aimux.core.identity import Claim, Place
from aimux.core.reason import Failure, Reason
from aimux.core.request import Action, Opaque, Reading
from aimux.wire.actions import action_of_document
from aimux.wire.claims import claim, is_name
from aimux.wire.conversations import all_said, heard, heard_in_passing
from aimux.wire.decode import read_json
from aimux.wire.http1 import bad
from aimux.wire.spoken import find_batch, find_spoken, holds_tokens

# Whose texts are heard one by one.
_SAID_FIELDS: Final = (
    *("system", "instructions", "query", "prompt", "input", "inputs", "texts", "messages"),
    *("systemInstruction", "system_instruction", "contents", "content", "requests", "message", "params"),
)
# What may be called and how it is to be answered: offered or set, and asked of nobody.
_OFFERED: Final = ("tools", "functions", "response_format", "model", "jsonrpc")
# What may stand before the brace of a JSON text in UTF-8 with a mark, in UTF-16 and in UTF-32.
MARK_BYTES: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_MOST_LINES: Final = 1000


def read_document(document: object, identity: str | None, *, hears: bool, action: Action | None = None) -> Reading:
    """What a document says; the caller's name under the key `identity`, where there is one. Raises Failure for none.

    `hears`: what is said beside the text counts. `action` is what the request's head says of it.
    """
    if not isinstance(document, dict):
        beside = tuple(heard(document)) if hears else ()
        batch = find_batch(document) if isinstance(document, list) else None
        return replace(batch or Reading(dialect="json"), beside=beside)
    claims: tuple[Claim, ...] = ()
    if identity is not None and identity in document:
        claims = (claim(Place.BODY, identity, document[identity]),)
    found = find_spoken(document, claims, collect=hears) or Reading(claims, None, "json")
    if hears:
        opaque = found.opaque or (Opaque.TOKENS if holds_tokens(document) else None)
        found = replace(found, beside=_beside(document, identity, found), opaque=opaque)
    if action is not None:
        found.action = action_of_document(document, action)
    return found


def _beside(document: dict[str, object], identity: str | None, spoken: Reading) -> tuple[str, ...]:
    """All texts of the document beside the one that routes."""
    found: list[str] = []
    for name in _SAID_FIELDS:
        if name == spoken.field:
            found += spoken.beside
        elif name in document:
            value = document[name]
            found += all_said(value) if isinstance(value, list) else heard(value)
    apart = (*_SAID_FIELDS, *_OFFERED, identity if is_name(document.get(identity or "")) else None)
    found += heard_in_passing({name: value for name, value in document.items() if name not in apart})
    return tuple(found)


def may_be_json(first: bytes) -> bool:
    """Whether JSON that could say something begins with this byte; white space and marks are passed over before."""
    return first in (b"{", b"[")


def said_in_json(body: bytes) -> tuple[str, ...]:
    """All that is said in a document. Raises Failure for what is no JSON, or not for everybody."""
    found = read_document(read_json(body), None, hears=True)
    if found.opaque is Opaque.TOKENS:
        raise bad("the body holds a list of token ids, which a guard cannot hear: send texts")
    return found.beside if found.text is None else (found.text, *found.listed, *found.beside)


def said_in_lines(body: bytes) -> tuple[str, ...]:
    """All that is said in one document, or in one on each line. Raises Failure as `said_in_json` does."""
    try:
        return said_in_json(body)
    except Failure:
        lines = [line for line in body.split(b"\n", _MOST_LINES) if line.strip(b" \t\r")]
        if len(lines) <= 1:
            raise
    if len(lines) > _MOST_LINES:
        raise Failure(Reason.BODY_TOO_LARGE, f"the body has more than {_MOST_LINES} lines of JSON: send fewer")
    return tuple(text for line in lines for text in said_in_json(line))
