"""Who asks and what for, read a second time from the documents alone and in the plainest way: the oracle of meaning.

It shares no code with `aimux.wire.dialects`, and gives up (None) on what it cannot read.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

QUERY: Final = ("client_id", "agent", "source")
HEADERS: Final = ("x-source-agent", "x-client-id")
FIELD: Final = "agent"


@dataclass(frozen=True, slots=True)
class Given:
    """The values that one place gives for the caller's name."""

    place: str
    field: str
    values: tuple[object, ...]

    @property
    def sound(self) -> bool:
        """Whether they are one name, maybe repeated."""
        name = self.values[0]
        return isinstance(name, str) and name != "" and all(value == name for value in self.values)


def pairs(encoded: bytes) -> list[tuple[str, str]] | None:
    """The fields of a query or form."""
    found = []
    try:
        encoded.decode("utf-8")  # an escape does not complete a character that was begun without one
        for piece in filter(None, encoded.split(b"&")):
            name, _, value = piece.replace(b"+", b" ").partition(b"=")
            found.append((unquote_to_bytes(name).decode("utf-8"), unquote_to_bytes(value).decode("utf-8")))
    except UnicodeDecodeError:
        return None
    return found


def names_in_head(query: bytes, lines: list[bytes]) -> list[Given]:
    """What query and header lines give, in order of precedence. The query must be readable."""
    fields = pairs(query) or []
    found = [Given("query", name, tuple(v for k, v in fields if k == name)) for name in QUERY]
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    for header in HEADERS:
        values = tuple(value.decode("latin-1") for name, value in headers if name == header.encode())
        found.append(Given("header", header, values))
    return [given for given in found if given.values]


def names_in_document(document: object) -> list[Given]:
    """What a JSON body gives."""
    if isinstance(document, dict) and FIELD in document:
        return [Given("body", FIELD, (document[FIELD],))]
    return []


def text_in_fields(fields: list[tuple[str, str]]) -> str | None:
    """The text in a query or form: `q`, else `query`."""
    for name in ("q", "query"):
        for key, value in fields:
            if key == name:
                if value.strip():
                    return value
                break
    return None


def text_in_document(document: object) -> str | None:
    """The text in a JSON body. The frames of frameworks are not known here: no seed has one."""
    if not isinstance(document, dict):
        return None
    for name in ("query", "prompt", "input"):
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return value
    for name in ("messages", "input"):
        items = document.get(name)
        users = [m for m in items if isinstance(m, dict) and m.get("role") == "user"] if isinstance(items, list) else []
        text = next(filter(None, map(_text_of_message, reversed(users))), None)
        if text is not None:
            return text
    return None


def _text_of_message(message: dict[str, object]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        kinds = ("text", "input_text", "output_text")
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in kinds]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) and content.strip() else None
