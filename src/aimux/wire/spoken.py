"""The text of a JSON document that chooses its route: in a field, in a list, or in the last turn of a conversation."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from aimux.core.identity import Claim
from aimux.core.request import Opaque, Reading
from aimux.wire.conversations import all_said, beside_text, besides, heard, meaningful
from aimux.wire.protocols import a2a_asked, gemini_embedded, gemini_messages, mcp_asked
from aimux.wire.user_turns import last_turn_of_user, turns_of_user

_TEXT_FIELDS: Final = ("query", "prompt", "input")
# Lists of texts, as embeddings, moderations and completions take them, in the order of precedence.
_LISTS: Final = ("prompt", "input", "inputs", "texts")
# Those of them that may hold token ids instead.
_TOKENIZED: Final = ("prompt", "input")
_CONVERSATIONS: Final = ("messages", "input")
_TEXT_PARTS: Final = ("text", "input_text")
# Each may cost a reading of the model.
_MOST_EARLIER: Final = 8
_LONGEST_EARLIER: Final = 32 * 1024


def find_spoken(document: dict[str, object], claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    """The text of a document that chooses its route, with these claims; None where it has none.

    `beside` is what else the text's field says, where that is to be collected. Earlier turns of the user are only said
    to be there (`earlier` is None): `earlier_turns` reads them.
    """
    for name in _TEXT_FIELDS:
        text = document.get(name)
        if isinstance(text, str) and meaningful(text):
            return Reading(claims, text, "json", None, name)
    for name in _LISTS:
        if name in document and (found := _of_list(document[name], name, claims, collect=collect)):
            return found
    for name in _CONVERSATIONS:
        messages = document.get(name)
        if isinstance(messages, list) and (found := _of_turns(messages, name, claims, collect=collect)):
            return found
    return _of_protocol(document, claims, collect=collect)


def earlier_turns(document: dict[str, object]) -> tuple[str, ...]:
    """The texts of the user before the last one, the nearest first, in the conversation that chooses.

    Beyond so many of them, or so many characters, none is given.
    """
    for name in _CONVERSATIONS:
        messages = document.get(name)
        if isinstance(messages, list) and last_turn_of_user(messages):
            return tuple(_bounded(messages))
    return tuple(_bounded(gemini_messages(document.get("contents"))))


def find_batch(requests: list[object]) -> Reading | None:
    """The texts of a batch of JSON-RPC requests, as those of a list; None where it has none."""
    calls = (each for each in requests if isinstance(each, dict) and isinstance(each.get("method"), str))
    found = [spoken for each in calls if (spoken := _of_rpc(each, (), collect=False)) is not None]
    first, *others = dict.fromkeys(spoken.text for spoken in found if spoken.text is not None) or (None,)
    listed = tuple(text for text in others if text is not None)
    return None if first is None else Reading((), first, found[0].dialect, listed=listed)


def holds_tokens(document: dict[str, object]) -> bool:
    """Whether any field for texts has token ids, whichever field chooses."""
    lists = (document.get(name) for name in _TOKENIZED)
    return any(isinstance(each, list) and any(map(_is_tokens, each)) for each in lists)


def _of_list(value: object, name: str, claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    if isinstance(value, str):
        return Reading(claims, value, "json", None, name) if meaningful(value) else None
    # Messages have a role: they are a conversation.
    if not isinstance(value, list) or any(isinstance(each, dict) and "role" in each for each in value):
        return None
    if name in _TOKENIZED and any(map(_is_tokens, value)):
        return Reading(claims, None, "json", None, name, opaque=Opaque.TOKENS)
    beside = tuple(heard([_item_rest(each) for each in value])) if collect else ()
    return _of_texts([text for each in value if (text := _item_text(each))], name, claims, beside)


def _of_texts(texts: list[str], name: str, claims: tuple[Claim, ...], beside: tuple[str, ...]) -> Reading | None:
    first, *others = dict.fromkeys(filter(meaningful, texts)) or (None,)
    return None if first is None else Reading(claims, first, "json", None, name, beside, tuple(others))


def _item_text(item: object) -> str | None:
    """The text of an item in a list of texts: a string, or a part with a text, as moderations take it."""
    if isinstance(item, str):
        return item
    text = item.get("text") if isinstance(item, dict) and item.get("type", "text") in _TEXT_PARTS else None
    return text if isinstance(text, str) else None


def _item_rest(item: object) -> object:
    """All else that an item says."""
    return item if _item_text(item) is None else beside_text(item)


def _is_tokens(item: object) -> bool:
    return type(item) is int or (isinstance(item, list) and any(type(each) is int for each in item))


def _of_turns(messages: list[object], name: str, claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    last = last_turn_of_user(messages)
    if last is None:
        return None
    at, text, rest = last
    beside: tuple[str, ...] = ()
    if collect:
        own = () if rest is None else (rest,)
        beside = (*all_said(messages[:at]), *own, *besides(messages[at]), *all_said(messages[at + 1 :]))
    return Reading(claims, text, "messages", None, name, beside, (), None if at else ())


def _bounded(messages: list[object]) -> Iterator[str]:
    left = _LONGEST_EARLIER
    for number, (_, text, _) in enumerate(islice(turns_of_user(messages), 1, None)):
        left -= len(text)
        if number == _MOST_EARLIER or left < 0:
            return
        yield text


def _of_protocol(document: dict[str, object], claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    contents = gemini_messages(document.get("contents"))
    if contents and (found := _of_turns(contents, "contents", claims, collect=collect)):
        return found
    if "content" in document:
        text, beside = gemini_embedded(document["content"])
        if text is not None:
            return Reading(claims, text, "json", None, "content", beside if collect else ())
    if found := _of_batch(document.get("requests"), claims, collect=collect):
        return found
    return _of_rpc(document, claims, collect=collect)


def _of_rpc(document: dict[str, object], claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    # Where the method says what is asked for, a message beside it says nothing to the server.
    for dialect, asked in (("mcp", mcp_asked(document)), ("a2a", a2a_asked(document))):
        if asked is not None:
            return Reading(claims, asked.text, dialect, None, asked.field, asked.beside if collect else ())
    return None


def _of_batch(requests: object, claims: tuple[Claim, ...], *, collect: bool) -> Reading | None:
    """The texts of a batch of Gemini's embeddings, one a request."""
    if not isinstance(requests, list):
        return None
    texts: list[str] = []
    beside: list[str] = []
    for request in requests:
        fields = request if isinstance(request, dict) else {"request": request}
        text, rest = gemini_embedded(fields.get("content"))
        texts += () if text is None else (text,)
        beside += (*rest, *heard({name: each for name, each in fields.items() if name != "content"}))
    return _of_texts(texts, "requests", claims, tuple(beside) if collect else ())
