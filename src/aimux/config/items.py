"""Items of a configuration's tree, for checks over the whole of it: texts and sections in lists, with their places.

What has another shape is passed over: the schema reports it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aimux.config.report import Path, Report
from aimux.config.words import shown
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class Item:
    """A text in a list, and where it stands."""

    path: Path
    node: Scalar
    text: str


def mappings_in(node: Node | None, path: Path) -> Iterator[tuple[Path, Mapping]]:
    """The sections of a list."""
    if isinstance(node, Sequence):
        for at, item in enumerate(node.items):
            if isinstance(item, Mapping):
                yield (*path, at), item


def texts_in(node: Node | None, path: Path) -> Iterator[Item]:
    """The texts of a list."""
    if isinstance(node, Sequence):
        for at, item in enumerate(node.items):
            yield from text_of(item, (*path, at))


def text_of(node: Node | None, path: Path) -> Iterator[Item]:
    """One text, if it is one."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield Item(path, node, node.value)


def is_absent(node: Node | None) -> bool:
    """Whether there is no value."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def check_unique(items: list[Item], report: Report, what: str, *, fold: bool = False) -> list[Item]:
    """Report what stands twice; the items without it."""
    first: dict[str, Item] = {}
    for item in items:
        key = item.text.strip().lower().replace("_", "-") if fold else item.text.strip()
        earlier = first.setdefault(key, item)
        if earlier is not item and not report.is_spoiled(item.path):
            same = "" if earlier.text == item.text else f" as {shown(earlier.node, earlier.path)}"
            report.add(
                item.path,
                item.node.line,
                f"the {what} {shown(item.node, item.path)} stands on line {earlier.node.line} already{same}",
                "remove or rename one of the two",
            )
    return list(first.values())
