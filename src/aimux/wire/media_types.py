"""A Content-Type and other headers with parameters, read strictly, and in which manner a body of each type is heard."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import bad

WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
# Neither a backslash, which servers undo or keep, nor what some of them cut a header into pieces at.
_QUOTED: Final = r'"[ !#-+\--:<>-\[\]-~=]*+"'
_TYPE: Final = re.compile(rf"({WORD}/{WORD})((?:[ \t]*+;[ \t]*+(?:{WORD}=(?:{WORD}|{_QUOTED}))?+)*+)[ \t]*+")
_PARAMETER: Final = re.compile(rf"({WORD})=({WORD}|{_QUOTED})")
UTF8: Final = ("utf-8", "utf8", "us-ascii")
_LINES: Final = frozenset(("ndjson", "x-ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines"))
_WRAPPED: Final = frozenset(("x-www-form-urlencoded", "http"))
_YAML: Final = frozenset(("yaml", "x-yaml"))
_MARKUP: Final = frozenset(("xml", "html"))
# Beside application/json and what ends with +json.
_JSON: Final = frozenset(("json", "json-rpc", "jsonrequest"))
_JSON_KINDS: Final = frozenset(("application", "text"))


class Manner(Enum):
    """In which manner a body, or a part of one, is heard."""

    TEXT = auto()
    MARKUP = auto()
    JSON = auto()
    LINES = auto()
    """Each line is a document of JSON."""
    MULTIPART = auto()
    WRAPPED = auto()
    """Something else is encoded in it: a form, a message with a head of its own."""
    BYTES = auto()
    """Anything at all."""
    MEDIA = auto()


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type in lower case, and its parameters by their names in lower case."""

    name: str
    parameters: Mapping[str, str]

    def check_charset(self) -> None:
        """Raises Failure for text in another charset than UTF-8."""
        if self.parameters.get("charset", UTF8[0]).lower() not in UTF8:
            raise Failure(Reason.UNSUPPORTED_ENCODING, "a text that is read must be in UTF-8")


def read_media_type(value: str) -> MediaType:
    """Read a Content-Type. Raises Failure for what servers could read in different ways."""
    match = _TYPE.fullmatch(value)
    if match is None:
        raise bad("the Content-Type is malformed: write type/subtype; name=value, without backslashes in a value")
    pairs = [(name.lower(), given.strip('"')) for name, given in _PARAMETER.findall(match[2])]
    parameters = dict(pairs)
    if len(parameters) != len(pairs) or any("*" in name for name in parameters):
        raise bad("a parameter of the Content-Type stands twice or has a star: give each once, by its plain name")
    return MediaType(match[1].lower(), parameters)


def is_json(name: str) -> bool:
    """Whether a body of this media type, in lower case, is one document of JSON."""
    kind, _, subtype = name.partition("/")
    return kind in _JSON_KINDS and (subtype in _JSON or subtype.endswith("+json"))


def manner_of(name: str) -> Manner:
    """In which manner a body of this media type, in lower case, is heard."""
    kind, _, subtype = name.partition("/")
    suffix = subtype.rpartition("+")[2]
    if kind == "multipart":
        return Manner.MULTIPART
    if kind == "message" or subtype in _WRAPPED:
        return Manner.WRAPPED
    if subtype in _LINES:
        return Manner.LINES
    if suffix in _MARKUP:
        return Manner.MARKUP
    if is_json(name) or suffix == "json":
        return Manner.JSON
    if kind == "text" or suffix in _YAML:
        return Manner.TEXT
    return Manner.BYTES if name == "application/octet-stream" else Manner.MEDIA
