"""Settings that last as long as the gateway runs: everything is built with them, and a reload cannot change them."""

from collections.abc import Iterable, Iterator
from typing import Final

from aimux.config.schema import Config
from aimux.config.section import Section

_LASTING: Final = ("server.", "admin.", "logging.", "telemetry.", "upstreams.", "audit.", "state.")
# These belong to the routes, and are read again with them.
_RELOADED: Final = frozenset(
    f"upstreams.{key}"
    for key in ("ca_file", "redirects", "connect_timeout", "response_timeout", "idle_timeout", "keepalive_timeout")
)


def lasting_changes(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that differ and are read only when the gateway starts."""
    return tuple(key for key in _differing(old, new) if key.startswith(_LASTING) and key not in _RELOADED)


def restart_problems(settings: Iterable[str]) -> tuple[str, ...]:
    """Lines for the operator on settings that a reload would have to change."""
    return tuple(f"{name}: read only when the gateway starts: restart it, or undo this" for name in settings)


def _differing(old: Section, new: Section, prefix: str = "") -> Iterator[str]:
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Section) and isinstance(after, Section):
            yield from _differing(before, after, f"{prefix}{name}.")
        elif before != after:
            yield prefix + name
