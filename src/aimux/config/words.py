"""How problems speak of values: what may be shown of one, and which name was probably meant."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from aimux.config.fields import LONGEST_NAME
from aimux.config.problem import quoted
from aimux.config.report import Path
from aimux.config.shape import is_unsaid
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence


def shown(node: Node | None, path: Path) -> str:
    """The value as a message may show it: no secret, and the `${NAME}` instead of what the environment gave for it."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a group of keys"
    if not isinstance(node, Scalar) or is_unsaid(path):
        return "the value"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return quoted(node.value if node.template is None else node.template)
    return quoted(node.text).strip('"')


def is_literal(node: Node | None, path: Path) -> bool:
    """Whether a message may say something that follows from the value."""
    return isinstance(node, Scalar) and node.template is None and not is_unsaid(path)


@dataclass(slots=True)
class Suggestions:
    """Finds the name that was probably meant, and gives up in time: a file full of errors must not take minutes."""

    comparisons_left: int = 20_000

    def near(self, word: str, known: Collection[str]) -> str | None:
        """The most similar known name, or None."""
        self.comparisons_left -= len(known)
        if self.comparisons_left < 0 or len(word) > LONGEST_NAME:
            return None
        matches = get_close_matches(word, known, 1)
        return matches[0] if matches else None
