"""The configuration in force, defaults filled in: its digest, and what of it may be shown."""

import hashlib
import json
from typing import Any

from aimux.config.report import Path
from aimux.config.schema import Config
from aimux.config.shape import secret_paths
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence

HIDDEN = "***"


def digest_of(config: Config) -> str:
    """SHA-256, in hex, of the configuration in a canonical form without its secrets."""
    values = config.model_dump(mode="json")
    for path in secret_paths():
        _replace(values, path, None)
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def display_of(config: Config, root: Mapping) -> dict[str, object]:
    """The configuration for people to see: secrets hidden, `${NAME}` shown instead of its value."""
    values: dict[str, object] = config.model_dump(mode="json")
    _show_templates(root, (), values)
    for path in secret_paths():
        _replace(values, path, HIDDEN)
    return values


def _show_templates(node: Node, path: Path, values: dict[str, object]) -> None:
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            _show_templates(value, (*path, key), values)
    elif isinstance(node, Sequence):
        for at, item in enumerate(node.items):
            _show_templates(item, (*path, at), values)
    elif isinstance(node, Scalar) and node.template is not None:
        _replace(values, path, node.template)


def _replace(values: Any, path: Path, value: object) -> None:
    """Put a value where the path leads, unless nothing stands there."""
    for depth, step in enumerate(path[:-1]):
        if isinstance(values[step], str):  # an agent that was written with keys, and is shown as its name
            path = path[: depth + 1]
            break
        values = values[step]
    if values[path[-1]] is not None:
        values[path[-1]] = value
