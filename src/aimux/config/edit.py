"""Setting values in a configuration's text, with all else of it as it was: comments, order, quotes and line ends."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import yaml

from aimux.config.report import Path, where
from aimux.config.yaml_tree import Loader

_LINE_END: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_IN: Final = 2
"""By how many spaces keys of a new section stand in."""

_Piece = tuple[int, int, str]
"""Where it begins and ends in the text, and what stands there instead."""
_Pieces = list[_Piece]


class EditError(Exception):
    """The text cannot be edited. The message says why; what is to be set can still be set by hand."""


def edited(text: str, values: Mapping[Path, str]) -> str:
    """The text of a configuration that can be loaded, with other values, each given as YAML, at some paths.

    All but the last two steps of a path must stand in the text. Raises EditError.
    """
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise EditError("it is not read as YAML") from error
    sections: dict[Path, dict[str, str]] = {}
    for path, value in values.items():
        sections.setdefault(path[:-1], {})[str(path[-1])] = value
    pieces: _Pieces = []
    behind: dict[str, dict[str, str]] = {}
    for path, given in sections.items():
        home, key = _walked(root, path[:-1]), str(path[-1])
        found = _at(home, path[-1])
        if isinstance(found, yaml.MappingNode):
            pieces += _in_mapping(text, found, given)
        elif not isinstance(home, yaml.MappingNode):
            raise EditError(f"nothing stands at {where(path)}")
        elif found is not None:
            pieces += _replaced(text, home, key, _braces(home, given))
        elif home.flow_style:
            pieces.append(_into_flow(home, {key: _braces(home, given)}))
        elif home is root:
            behind[key] = given
        else:
            raise EditError(f"nothing stands at {where(path)}")
    # From the end on, so that no place moves.
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text + _sections_behind(text, root, behind)


def _sections_behind(text: str, root: yaml.Node | None, sections: Mapping[str, Mapping[str, str]]) -> str:
    """New sections, to stand behind all else."""
    if not isinstance(root, yaml.MappingNode) or not sections:
        return ""
    end, indent = _line_end_of(text), " " * _column(root)
    lines = [] if _LINE_END.match(text, len(text) - 1) else [""]
    for key, given in sections.items():
        lines += [f"{indent}{key}:", *(f"{indent}{' ' * _IN}{name}: {value}" for name, value in given.items())]
    return end.join([*lines, ""])


def _in_mapping(text: str, mapping: yaml.MappingNode, given: Mapping[str, str]) -> _Pieces:
    known = {key.value for key, _ in mapping.value}
    pieces: _Pieces = []
    for name, value in given.items():
        if name in known:
            pieces += _replaced(text, mapping, name, value)
    added = {name: value for name, value in given.items() if name not in known}
    if added:
        pieces.append(_into_flow(mapping, added) if mapping.flow_style else _into_block(text, mapping, added))
    return pieces


def _replaced(text: str, mapping: yaml.MappingNode, name: str, new: str) -> _Pieces:
    """Another value of a key that stands there with one, or with none."""
    key, value = next((key, value) for key, value in mapping.value if key.value == name)
    start, end = value.start_mark.index, value.end_mark.index
    if not isinstance(value, yaml.ScalarNode):
        raise EditError(f"{name} is no single value")
    if start == end:
        start = end = text.index(":", key.end_mark.index) + 1
        new = f" {new}"
    return [(start, end, new)]


def _into_flow(mapping: yaml.MappingNode, added: Mapping[str, str]) -> _Piece:
    """New keys behind those that stand in braces."""
    new = _braces(mapping, added)[1:-1]
    if mapping.value:
        at = mapping.value[-1][1].end_mark.index
        return at, at, f", {new}"
    at = mapping.start_mark.index + 1
    return at, at, new


def _braces(beside: yaml.MappingNode, given: Mapping[str, str]) -> str:
    """Keys in braces, quoted where those beside them are, as in JSON."""
    quote = '"' if any(key.style == '"' for key, _ in beside.value) else ""
    return f"{{{', '.join(f'{quote}{name}{quote}: {value}' for name, value in given.items())}}}"


def _into_block(text: str, mapping: yaml.MappingNode, added: Mapping[str, str]) -> _Piece:
    """New keys on lines of their own, behind the last of the first keys whose values end on the line of the key."""
    indent = " " * _column(mapping)
    last = None
    for key, value in mapping.value:
        if key.start_mark.line != value.end_mark.line:
            break
        last = value
    if last is None:
        end = _line_end_of(text)
        at = mapping.value[0][0].start_mark.index
        return at, at, "".join(f"{name}: {value}{end}{indent}" for name, value in added.items())
    found = _LINE_END.search(text, last.end_mark.index)
    at, end = (found.start(), found[0]) if found else (len(text), _line_end_of(text))
    return at, at, "".join(f"{end}{indent}{name}: {value}" for name, value in added.items())


def _walked(node: yaml.Node | None, path: Path) -> yaml.Node | None:
    for step in path:
        node = _at(node, step)
    return node


def _at(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        entries: Iterable[tuple[yaml.Node, yaml.Node]] = node.value
        return next((value for key, value in entries if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _column(mapping: yaml.MappingNode) -> int:
    column: int = mapping.value[0][0].start_mark.column
    return column


def _line_end_of(text: str) -> str:
    """How the text ends its lines."""
    found = _LINE_END.search(text)
    return found[0] if found else "\n"
