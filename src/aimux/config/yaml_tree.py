"""From YAML text to a tree that keeps the line of every key and value. Reads a small, unambiguous part of YAML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from aimux.config import scalars
from aimux.config.report import Path, Report
from aimux.config.syntax import explain_characters, explain_syntax

MOST_LEVELS: Final = 32
Loader: Final[type[yaml.SafeLoader | yaml.CSafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# A comment that is meant as one mostly begins with a blank behind its #.
_LIKE_TEXT: Final = re.compile(r"[ \t]+#[^\s#]")
_NO_TEMPLATES: Final = "write key: value; a placeholder in double braces is not replaced here, ${NAME} in a value is"
_OR_QUOTES: Final = "where it belongs to a text, put that in quotes"
_ALIAS: Final = ("a YAML alias (*) stands here", f"write the value out instead; {_OR_QUOTES}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `template` is its text before names of the environment were replaced in it, else None."""

    line: int | None
    value: scalars.Value
    text: str
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    line: int | None
    items: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their values. `key_lines` says where each key stands."""

    line: int | None
    entries: dict[str, "Node"] = field(default_factory=dict)
    key_lines: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that has been reported and cannot be used. `text` is what stands there, where that is known."""

    line: int | None
    text: str | None = None


Node = Scalar | Sequence | Mapping | Broken


class _Stop(Exception):  # noqa: N818  (not an error: the report has it)
    """Nothing after this point can be read."""


def parse(text: str, report: Report) -> Mapping | None:
    """The tree of the one document in the text, or None where the report says why there is none."""
    try:
        root = _Composer(text, report).document()
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        report.add((), *explain_syntax(error, text))
        return None
    except (yaml.YAMLError, UnicodeError):
        report.add((), *explain_characters(text))
        return None
    if isinstance(root, Mapping):
        return root
    if root is None or (isinstance(root, Scalar) and root.value is None):
        report.add((), None, "the file holds no configuration", "write at least one route or a fallback")
    elif not isinstance(root, Broken):
        report.add((), root.line, "the configuration must be keys with values", 'begin with a key such as "routes:"')
    return None


class _Composer:
    """Builds the tree from parser events."""

    def __init__(self, text: str, report: Report) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=Loader)
        self._text = text
        self._report = report

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._refuse((), event, "a second document begins here", "keep one document in the file")
                    raise _Stop
                root = self._node(next(self._events), ())
        return root

    def _node(self, event: yaml.Event, path: Path) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            self._refuse(path, event, *_ALIAS)
            return self._broken(path, line)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._refuse(path, event, "a YAML anchor (&) stands here", f"remove it and write values out; {_OR_QUOTES}")
        if getattr(event, "tag", None) is not None:
            self._refuse(path, event, "a YAML tag (!) stands here", f"remove it; {_OR_QUOTES}")
        if len(path) >= MOST_LEVELS and not isinstance(event, yaml.ScalarEvent):
            self._refuse(path[:1], event, f"values are nested over {MOST_LEVELS} levels deep", "nest them less")
            raise _Stop
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, line)
        if not isinstance(event, yaml.ScalarEvent):
            raise TypeError(f"unexpected YAML event {type(event).__name__}")
        return self._broken(path, line) if event.tag is not None else self._scalar(event, path, line)

    def _sequence(self, path: Path, line: int) -> Sequence:
        found = Sequence(line)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.items.append(self._node(event, (*path, len(found.items))))
        return found

    def _mapping(self, path: Path, line: int) -> Mapping:
        found = Mapping(line)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key is None:
                self._report.drop_from(path)
                self._skip(next(self._events))
            elif key in found.entries:
                first = found.key_lines[key]
                self._refuse((*path, key), event, f"this key stands on line {first} already", "keep one of the two")
                self._skip(next(self._events))
            else:
                found.key_lines[key] = _line(event)
                found.entries[key] = self._node(next(self._events), (*path, key))
        return found

    def _key(self, event: yaml.Event, path: Path) -> str | None:
        """The key's text, or None where the report says why it cannot be one."""
        if isinstance(event, yaml.AliasEvent):
            self._refuse(path, event, *_ALIAS)
        elif not isinstance(event, yaml.ScalarEvent):
            self._refuse(path, event, "a list or a group of keys stands where a key is expected", _NO_TEMPLATES)
            self._skip(event)
            if path:
                self._report.spoil(path)
        elif event.anchor is not None or event.tag is not None:
            self._refuse(path, event, "a key carries a YAML anchor (&) or tag (!)", "remove it")
        elif event.implicit[0] and event.value == "<<":
            self._refuse(path, event, "a YAML merge key (<<) stands here", "write the keys out instead")
        elif not _is_text(event.value) or (event.implicit[0] and not _reads_as_text(event.value)):
            remedy = "put a name of yours in quotes; other keys are in docs/configuration.md"
            self._refuse(path, event, "a key must be text", remedy)
        else:
            return str(event.value)
        return None

    def _scalar(self, event: yaml.ScalarEvent, path: Path, line: int) -> Node:
        text: str = event.value
        if not _is_text(text):
            self._refuse(path, event, "the value holds a character that no text can hold", "remove the \\ escape")
            return self._broken(path, line)
        if not event.implicit[0]:
            return Scalar(line, text, text)
        if event.end_mark is not None and _LIKE_TEXT.match(self._text, event.end_mark.index):
            self._report.note_comment(path, line)
        reading = scalars.old_reading(text)
        if reading is not None:
            message = f"some YAML readers take this unquoted value for {reading.meaning}"
            self._refuse(path, event, message, reading.remedy)
            return self._broken(path, line, text)
        try:
            return Scalar(line, scalars.resolve(text), text)
        except ValueError as error:
            self._refuse(path, event, f"the value is {error}", "write it in quotes if it is text")
            return self._broken(path, line)

    def _skip(self, event: yaml.Event) -> None:
        """Read over the value that begins here."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self._events)

    def _broken(self, path: Path, line: int, text: str | None = None) -> Broken:
        self._report.spoil(path)
        return Broken(line, text)

    def _refuse(self, path: Path, event: yaml.Event, message: str, remedy: str) -> None:
        self._report.add(path, _line(event), message, remedy)


def _reads_as_text(text: str) -> bool:
    try:
        return isinstance(scalars.resolve(text), str) and scalars.old_reading(text) is None
    except ValueError:
        return False


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _is_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
