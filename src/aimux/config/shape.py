"""What the schema says about a path: the section it lies in, whether it is secret, and what kind of value it takes."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path as FilePath
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from aimux.config.report import Path
from aimux.config.schema import Config

_INSTEAD_OF_DIGESTS: Final = ("operators", "token")
"""A token may stand here by mistake, where its digest is asked for. The digest itself is no secret, and is shown."""


class Kind(Enum):
    """How a value is written."""

    TEXT = "text"
    NUMBER_OR_FLAG = "number or flag"
    LIST = "list"
    SECTION = "section"


def section_at(path: Path) -> type[BaseModel] | None:
    """The model whose keys stand at this path."""
    found: Any = Config
    for step in path:
        if isinstance(step, int):
            continue
        fields = found.model_fields if isinstance(found, type) and issubclass(found, BaseModel) else {}
        if step not in fields:
            return None
        found = next((t for t in _types(fields[step].annotation) if issubclass(t, BaseModel)), None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def kind_at(section: type[BaseModel], key: str) -> Kind:
    """How the value of a section's key is written."""
    annotation = section.model_fields[key].annotation
    if any(get_origin(t) is tuple for t in _alternatives(annotation)):
        return Kind.LIST
    types = set(_types(annotation))
    if any(issubclass(t, BaseModel) for t in types):
        return Kind.SECTION
    return Kind.TEXT if types & {str, SecretStr, FilePath} else Kind.NUMBER_OR_FLAG


def takes_nothing(section: type[BaseModel], key: str) -> bool:
    """Whether the key may be null."""
    return type(None) in _alternatives(section.model_fields[key].annotation)


def is_secret(path: Path) -> bool:
    """Whether what stands at this path, or in it, is never shown."""
    for depth in range(1, len(path) + 1):
        key, section = path[depth - 1], section_at(path[: depth - 1])
        field = section.model_fields.get(str(key)) if section else None
        if field is not None and SecretStr in _types(field.annotation):
            return True
    return False


def is_unsaid(path: Path) -> bool:
    """Whether no message repeats what stands at this path: a secret, or what one is easily written in place of."""
    return is_secret(path) or _keys_alone(path)[:2] == _INSTEAD_OF_DIGESTS


def _keys_alone(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


def secret_paths() -> tuple[Path, ...]:
    """The paths of all secrets."""
    paths = ((name, key) for name, field in Config.model_fields.items() for key in _keys(field.annotation))
    return tuple(path for path in paths if is_secret(path))


def _keys(annotation: object) -> Iterator[str]:
    for found in _types(annotation):
        if issubclass(found, BaseModel):
            yield from found.model_fields


def _types(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        yield annotation
        return
    inner = get_args(annotation)
    for part in inner[:1] if get_origin(annotation) is Annotated else inner:
        yield from _types(part)


def _alternatives(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
