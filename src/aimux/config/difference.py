"""Differences between two configurations, as a reload reports them: by the path of each setting that changes."""

from collections.abc import Iterator, Mapping
from typing import Final

from aimux.core.values import value

_ABSENT: Final = object()


@value
class Difference:
    """A setting that changes. `path` is as in `routes.finance.allowed`; None stands for what is not there."""

    path: str
    before: object
    after: object


def differences(old: object, new: object, path: str = "") -> tuple[Difference, ...]:
    """The settings that differ between two displays of a configuration, in the order of the newer one.

    Items of a list that have names are compared by their names, whatever their order; other lists as a whole.
    """
    return tuple(_differences(old, new, path))


def _differences(old: object, new: object, path: str) -> Iterator[Difference]:
    before, after = _by_key(old), _by_key(new)
    if before is None or after is None:
        if old != new:
            yield Difference(path, _shown(old), _shown(new))
        return
    for key in (*after, *(key for key in before if key not in after)):
        inner = f"{path}.{key}" if path else key
        yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), inner)


def _by_key(found: object) -> dict[str, object] | None:
    """The parts of a section, or of a list whose items have names that tell them apart; None for any other value."""
    if isinstance(found, Mapping):
        return {str(key): part for key, part in found.items()}
    if not isinstance(found, list) or not any(isinstance(item, Mapping) for item in found):
        return None
    named = {_name(item): item for item in found}
    return None if None in named or len(named) < len(found) else {str(name): item for name, item in named.items()}


def _name(item: object) -> str | None:
    name = item.get("name") if isinstance(item, Mapping) else item
    return name if isinstance(name, str) else None


def _shown(found: object) -> object:
    return None if found is _ABSENT else found
