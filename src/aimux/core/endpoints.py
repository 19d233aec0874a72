"""The paths that the gateway itself answers, and which of them it takes from agents on their port."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Endpoint(StrEnum):
    """Every management endpoint that is read, but the files of the web page."""

    HEALTHZ = "/healthz"
    LIVEZ = "/livez"
    READYZ = "/readyz"
    METRICS = "/metrics"
    ROUTES = "/routes"
    AGENTS = "/agents"
    CONFIG = "/config"
    AUDIT = "/audit"
    AUDIT_STREAM = "/audit/stream"
    AUDIT_STATUS = "/audit/status"
    AUDIT_STATS = "/audit/stats"
    AUDIT_EXPORT = "/audit/export"
    TRY = "/dashboard/api/try"
    OVERLAPS = "/dashboard/api/overlaps"


PROBES: Final = frozenset({Endpoint.HEALTHZ, Endpoint.LIVEZ, Endpoint.READYZ})
"""Answered to everybody, on every port."""
DASHBOARD: Final = "/dashboard"
ADMIN: Final = "/admin"
"""Operators' commands lie below it."""
SESSION: Final = "/admin/session"
"""Says to an operator who it is. Taken where commands are."""
MODELS: Final = "/v1/models"
"""The routes that an agent may use, in OpenAI's form."""


@dataclass(frozen=True, slots=True)
class TakenPaths:
    """Paths that are the gateway's own on a port: some exactly, some with all that lies below them."""

    exact: frozenset[str]
    trees: tuple[str, ...]

    def takes(self, path: str) -> bool:
        """Whether a path is the gateway's. Nothing is decoded or folded."""
        return path in self.exact or any(path == tree or path.startswith(f"{tree}/") for tree in self.trees)

    def meeting(self, prefix: str) -> str | None:
        """A path of the gateway's that lies at or below a prefix, or has the prefix below it; None where none does."""
        below = f"{prefix}/"
        inside = (path for path in sorted((*self.exact, *self.trees)) if path == prefix or path.startswith(below))
        around = (tree for tree in self.trees if prefix.startswith(f"{tree}/"))
        return next(inside, None) or next(around, None)


def taken_paths(*, own_listener: bool, commands: bool) -> TakenPaths:
    """The paths that are taken from agents on their port.

    With a listener of operators' own these are the probes. `commands` says whether operators can command here.
    """
    if own_listener:
        return TakenPaths(frozenset(PROBES), ())
    return TakenPaths(frozenset(Endpoint), (DASHBOARD, ADMIN) if commands else (DASHBOARD,))
