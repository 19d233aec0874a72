"""Turns what the schema finds wrong into problems: line, path, and words that need no knowledge of this program."""

from collections.abc import Mapping as Known
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from aimux.config.environment import Override
from aimux.config.fields import NAME
from aimux.config.problem import quoted
from aimux.config.report import Path, Report
from aimux.config.schema import Config
from aimux.config.shape import Kind, kind_at, section_at
from aimux.config.words import Suggestions, is_literal, shown
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence
from aimux.core.policy import GROUP_PREFIX

_TEXT: Final = "text"
_LIST: Final = "a list"
_GROUP: Final = "a group of keys"
_OF_KEY: Final = "[key]"
_EXPECTED: Final = {
    "string_type": _TEXT,
    "path_type": _TEXT,
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "tuple_type": _LIST,
    "model_type": _GROUP,
    "model_attributes_type": _GROUP,
    "dict_type": _GROUP,
}


def explain(error: ValidationError, root: Mapping, overrides: Known[Path, Override], report: Report) -> None:
    """Add to the report what is wrong, save what follows from problems that it holds already."""
    suggestions = Suggestions()
    for detail in error.errors(include_url=False, include_input=False):
        path, node, line = _locate(root, detail["loc"])
        missing = detail["type"] == "missing"
        if report.is_spoiled(path) or (missing and report.is_incomplete(path[:-1])):
            continue
        message, remedy = _words(detail["type"], detail, path, node, suggestions)
        if path in overrides:
            report.add_variable(overrides[path].variable, message, remedy)
        else:
            report.add(path, line, message, remedy)


def _locate(root: Mapping, steps: tuple[str | int, ...]) -> tuple[Path, Node | None, int | None]:
    """The path, what stands there and its line; of what is missing, the line of the group that lacks it."""
    if len(steps) == 3 and steps[-1] == _OF_KEY:  # a name that is a key
        path, _, line = _locate(root, steps[:-1])
        return path, Scalar(line, steps[1], str(steps[1])), line
    node: Node | None = root
    line = root.line
    for step in steps:
        if isinstance(node, Mapping) and isinstance(step, str):
            key_line = node.key_lines.get(step)
            node = node.entries.get(step)
            line = (node.line if isinstance(node, Scalar) else key_line) or key_line or line
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line or line
        else:
            node = None
    return steps, node, line


def _words(kind: str, detail: Any, path: Path, node: Node | None, suggestions: Suggestions) -> tuple[str, str]:
    """Message and remedy."""
    context = detail.get("ctx", {})
    value = shown(node, path)
    if kind == "aimux":
        better = context.get("better") if is_literal(node, path) else None
        return context["message"].replace("{value}", value), f"write {better}" if better else context["remedy"]
    if kind == "missing":
        return "this key is missing", f"add {path[-1]}: with its value"
    if kind == "extra_forbidden":
        return "this key is not known", _remedy_for_unknown(path, suggestions)
    if kind in _EXPECTED:
        return f"{value} stands where {_EXPECTED[kind]} is expected", _remedy_for_type(kind, path, node)
    if kind == "literal_error":
        return f"{value} is none of the values that are possible here", f"write {context['expected']}"
    bound = _bound(context)
    if bound is not None:
        return f"{value} is out of range", bound
    return f"{value} cannot be used here", "see docs/configuration.md for what this key takes"


def _bound(context: dict[str, Any]) -> str | None:
    for name, words in (("ge", "or more"), ("gt", ""), ("le", "or less")):
        if name in context:
            limit = context[name]
            return f"write a number greater than {limit:g}" if name == "gt" else f"write {limit:g} {words}"
    return None


def _remedy_for_unknown(path: Path, suggestions: Suggestions) -> str:
    key = str(path[-1])
    section = section_at(path[:-1])
    keys = section.model_fields if section else {}
    homes = [name for name in Config.model_fields if key in _keys_of(name)]
    if len(homes) == 1 and len(path) <= 2:
        return f"it belongs under {homes[0]}"
    near = suggestions.near(key, keys)
    return f"did you mean {near}?" if near else f"remove it; the keys here are {', '.join(keys)}"


@cache
def _keys_of(name: str) -> frozenset[str]:
    section = section_at((name,))
    return frozenset(section.model_fields) if section and kind_at(Config, name) is Kind.SECTION else frozenset()


def _remedy_for_type(kind: str, path: Path, node: Node | None) -> str:
    expected = _EXPECTED[kind]
    section = section_at(path)
    if expected == _LIST:
        return _as_list(path, node, section)
    if not isinstance(node, Scalar):
        return _as_text(path, node) if expected == _TEXT else f"write {expected}"
    if expected == _GROUP:
        return f"write keys under it, such as {next(iter(section.model_fields))}:" if section else "write keys under it"
    if node.line is None:
        return f"set it to {expected}"
    if node.template is not None:
        return _instead_of_template(path)
    if expected == _TEXT:
        return _in_quotes(path, node)
    return f"write {expected}, without quotes" if isinstance(node.value, str) else f"write {expected}"


def _as_list(path: Path, node: Node | None, section: type[BaseModel] | None) -> str:
    if section is not None and not getattr(section, "short_form", False):
        return f"begin each item under it with - and its first key: - {next(iter(section.model_fields))}: ..."
    if is_literal(node, path) and isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
        return f"write [{shown(node, path)}]"
    return "write a list such as [a, b], or [] for an empty one"


def _as_text(path: Path, node: Node | None) -> str:
    """The remedy for a text that YAML takes for a list or a group of keys, such as one with a colon in it."""
    entries = list(node.entries.items()) if isinstance(node, Mapping) else []
    if len(entries) == 1 and isinstance(value := entries[0][1], Scalar) and is_literal(value, path):
        if f"{entries[0][0]}:" == GROUP_PREFIX:
            return f"write {quoted(f'{GROUP_PREFIX}{value.text}')}"
        return f"write text, in quotes where all of this is one: {quoted(f'{entries[0][0]}: {value.text}'.strip())}"
    return "write text, in quotes where it holds a colon and a blank, or begins with [ { - or ?"


def _in_quotes(path: Path, node: Scalar) -> str:
    if not is_literal(node, path) or not node.text:
        return "write it in quotes" if node.text else "write text, in quotes where it begins with #"
    is_name = path[0] == "agents" or path[-1] == "name"
    if is_name and not NAME.fullmatch(node.text):
        return "write a name in kebab-case or snake_case that begins with a letter"
    return f"write it in quotes: {quoted(node.text)}"


def _instead_of_template(path: Path) -> str:
    if len(path) == 2 and all(isinstance(step, str) for step in path):
        variable = f"AIMUX_{path[0]}__{path[1]}".upper()
        return f"a ${{NAME}} always gives text: set {variable} in the environment instead"
    return "a ${NAME} always gives text: write the value itself"
