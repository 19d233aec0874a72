"""Who asks and what for, read a second time from the documents alone and in the plainest way: the oracle of meaning.

It shares no code with `aimux.wire.dialects`, and gives up (None) on what it cannot read.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

QUERY: Final = ("client_id", "agent", "source")
HEADERS: Final = ("x-source-agent", "x-client-id")
FIELD: Final = "agent"
ASKED: Final = "(what an MCP request asks for)"


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


def text_in_fields(fields: list[tuple[str, str]], *, is_form: bool) -> str | None:
    """The text in a query or form: `q`, else `query`, else, in a form, `prompt` or `input`."""
    for name in ("q", "query", "prompt", "input") if is_form else ("q", "query"):
        for key, value in fields:
            if key == name:
                if value.strip():
                    return value
                break
    return None


def text_in_document(document: object) -> str | None:
    """The text in a JSON body. The frames of frameworks are not known here: no seed has one."""
    if isinstance(document, list):
        calls = [each for each in document if isinstance(each, dict) and isinstance(each.get("method"), str)]
        texts = [_text_in_call(each) for each in calls]
        return ASKED if ASKED in texts else next((text for text in texts if text is not None), None)
    if not isinstance(document, dict):
        return None
    for name in ("query", "prompt", "input"):
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return value
    for name in ("prompt", "input", "inputs", "texts"):
        found = _text_in_list(document.get(name))
        if found is not None:
            return found or None
    for name in ("messages", "input"):
        items = document.get(name)
        users = [m for m in items if isinstance(m, dict) and m.get("role") == "user"] if isinstance(items, list) else []
        text = next(filter(None, map(_text_of_message, reversed(users))), None)
        if text is not None:
            return text
    return _text_in_protocol(document)


def _text_in_list(value: object) -> str | None:
    """The first text in a list of texts, empty for token ids, None where there is no such list."""
    if isinstance(value, str):
        return value if value.strip() else None
    if not isinstance(value, list) or any(isinstance(each, dict) and "role" in each for each in value):
        return None
    for each in value:
        if isinstance(each, int) or (isinstance(each, list) and any(isinstance(inner, int) for inner in each)):
            return ""
    for each in value:
        text = (
            each.get("text") if isinstance(each, dict) and each.get("type", "text") in ("text", "input_text") else each
        )
        if isinstance(text, str) and text.strip():
            return text
    return None


def _text_in_protocol(document: dict[str, object]) -> str | None:
    contents = document.get("contents")
    for content in reversed(contents if isinstance(contents, list) else [contents]):
        text = (
            _text_in_parts(content) if isinstance(content, dict) and (content.get("role") or "user") == "user" else None
        )
        if text is not None:
            return text
    requests = document.get("requests")
    batch = [each.get("content") for each in requests if isinstance(each, dict)] if isinstance(requests, list) else []
    for content in (document.get("content"), *batch):
        text = _text_in_parts(content)
        if text is not None:
            return text
    return _text_in_call(document)


def _text_in_call(document: dict[str, object]) -> str | None:
    params = document.get("params")
    if isinstance(params, dict) and document.get("method") in ("tools/call", "prompts/get"):
        return ASKED
    message = (params if isinstance(params, dict) else document).get("message")
    if isinstance(message, dict) and (message.get("role") or "user") in ("user", "ROLE_USER"):
        return _text_in_parts(message)
    return None


def _text_in_parts(content: object) -> str | None:
    parts = content.get("parts") if isinstance(content, dict) else None
    parts = parts if isinstance(parts, list) else [parts]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    text = "\n".join(text for text in texts if isinstance(text, str))
    return text if text.strip() else None


def _text_of_message(message: dict[str, object]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        kinds = ("text", "input_text", "output_text")
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in kinds]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) and content.strip() else None
