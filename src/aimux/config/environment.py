"""Values from the environment in a configuration: `${NAME}` in values, and `AIMUX_SECTION__KEY` instead of a key.

`${NAME:-default}` is the default, which is text as it stands, where the variable is not set or empty.
"""

import re
from collections.abc import Mapping as Environ
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from aimux.config import scalars
from aimux.config.problem import quoted
from aimux.config.report import Path, Report
from aimux.config.schema import Config
from aimux.config.shape import Kind, kind_at, section_at, takes_nothing
from aimux.config.yaml_tree import Broken, Mapping, Node, Scalar, Sequence

PREFIX: Final = "AIMUX_"
_REFERENCE: Final = re.compile(r"\$(\$)?\{([^{}]*)(\})?")
_VARIABLE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
# What shells know beside it: ${NAME-default}, ${NAME:?message}, ${NAME:+other} and others.
_OTHER_FORM: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*:?[-?+=%#/^,]")
_FORMS: Final = "write ${NAME} or ${NAME:-default}, or $${ for a ${"


@dataclass(frozen=True, slots=True)
class Override:
    """A value that a variable of the environment sets."""

    variable: str
    value: Scalar


def read_overrides(environ: Environ[str, str], report: Report) -> dict[Path, Override]:
    """The keys that the environment sets. Variables that set none, though they look it, are reported."""
    found: dict[Path, Override] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX) and "__" in name):
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        wrong = _misfit(variable, path)
        if wrong is not None:
            report.add_variable(variable, *wrong)
            continue
        try:
            value = _read(environ[variable], path)
        except ValueError as error:
            report.add_variable(variable, str(error), "give it a value or unset it")
            report.spoil(path)
            continue
        found[path] = Override(variable, value)
    return found


def apply_overrides(root: Mapping, overrides: Environ[Path, Override], report: Report) -> None:
    """Put the values of the environment into the tree."""
    for path, override in overrides.items():
        name, key = map(str, path)
        section = root.entries.setdefault(name, Mapping(None))
        if isinstance(section, Scalar) and section.value is None:
            section = root.entries[name] = Mapping(None)
        if isinstance(section, Mapping):
            section.entries[key] = override.value
            section.key_lines[key] = None
            report.unspoil(path)


def substitute_all(root: Mapping, environ: Environ[str, str], report: Report) -> Mapping:
    """The tree with every `${NAME}` in the file's values replaced. Keys, and what a variable set, stay as they are."""
    return _substitute_in(root, (), environ, report)


def _substitute_in(root: Mapping, path: Path, environ: Environ[str, str], report: Report) -> Mapping:
    entries = {key: _substitute(value, (*path, key), environ, report) for key, value in root.entries.items()}
    return Mapping(root.line, entries, root.key_lines)


def _substitute(node: Node, path: Path, environ: Environ[str, str], report: Report) -> Node:
    if isinstance(node, Mapping):
        return _substitute_in(node, path, environ, report)
    if isinstance(node, Sequence):
        items = [_substitute(item, (*path, at), environ, report) for at, item in enumerate(node.items)]
        return Sequence(node.line, items)
    is_from_file = node.line is not None
    if isinstance(node, Scalar) and is_from_file and isinstance(node.value, str) and "${" in node.value:
        return _substitute_text(node, node.value, path, environ, report)
    return node


def _substitute_text(node: Scalar, text: str, path: Path, environ: Environ[str, str], report: Report) -> Node:
    names: list[str] = []
    wrong: list[tuple[str, str]] = []

    def value_of(found: re.Match[str]) -> str:
        escaped, inner, end = found.groups()
        if escaped:
            return found[0][1:]
        parts = _VARIABLE.fullmatch(inner) if end else None
        if parts is None:
            wrong.append((_misread(inner), _FORMS))
            return ""
        name, default = parts.groups()
        given = environ.get(name)
        if not given and default is not None:
            given = default
        if given is None:
            remedy = f"set it, write ${{{name}:-default}}, or $${{{name}}} for this very text"
            wrong.append((f"{name} is not set in the environment", remedy))
        elif not _is_readable(given):
            wrong.append((f"{name} in the environment is not UTF-8 text", "set it to text"))
        names.append(name)
        return given or ""

    value = _REFERENCE.sub(value_of, text)
    for message, remedy in dict.fromkeys(wrong):
        report.add(path, node.line, message, remedy)
    if wrong:
        report.spoil(path)
        return Broken(node.line)
    return replace(node, value=value, template=text if names else None)


def _misread(inner: str) -> str:
    """Why what stands behind ${ names no variable."""
    if _OTHER_FORM.match(inner):
        return "of the forms that shells know only ${NAME} and ${NAME:-default} are read, with a default without braces"
    return "${ begins a name of the environment but none follows"


def _is_readable(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _misfit(variable: str, path: Path) -> tuple[str, str] | None:
    """Why a variable sets no key: message and remedy. None where it does."""
    if variable != variable.upper():
        return "the name is not all in capitals", f"write {variable.upper()}, or unset it"
    name, key = (str(path[0]), str(path[1])) if len(path) == 2 else ("", "")
    if name not in Config.model_fields or kind_at(Config, name) is not Kind.SECTION:
        return "this names no key of a section", "write AIMUX_SECTION__KEY, or unset it"
    section = section_at((name,))
    keys = section.model_fields if section else {}
    if key not in keys:
        near = get_close_matches(key, keys, 1)
        remedy = f"did you mean {PREFIX}{name.upper()}__{near[0].upper()}?" if near else "correct it or unset it"
        return f"the section {name} has no key {quoted(key)}", remedy
    if section is not None and kind_at(section, key) is Kind.LIST:
        return f"{name}.{key} is a list, which no variable can hold", "write it in the configuration file"
    return None


def _read(text: str, path: Path) -> Scalar:
    """The value of a variable, read as what its key takes. Raises ValueError."""
    name, key = str(path[0]), str(path[1])
    section = section_at((name,))
    if not text or section is None:
        raise ValueError("the variable is empty")
    if not _is_readable(text):
        raise ValueError("the variable is not UTF-8 text")
    value: scalars.Value = text
    if kind_at(section, key) is Kind.TEXT:
        if text in scalars.NULLS and takes_nothing(section, key):
            value = None
    elif scalars.old_reading(text) is None:
        value = scalars.resolve(text)
    return Scalar(None, value, text)
