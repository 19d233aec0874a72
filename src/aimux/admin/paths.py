"""Paths as bytes, for the question that is asked of every request: is this one the gateway's own?"""

from typing import Final

from aimux.core.endpoints import PROBES, SESSION, TakenPaths, taken_paths

PROBE_PATHS: Final = frozenset(probe.encode("ascii") for probe in PROBES)
"""Answered to everybody, whatever the Host."""
SESSION_PATH: Final = SESSION.encode("ascii")


class OwnPaths:
    """Paths that are the gateway's, exactly as they were sent: nothing is decoded or folded."""

    def __init__(self, taken: TakenPaths) -> None:
        self._exact = frozenset(path.encode("ascii") for path in (*taken.exact, *taken.trees))
        self._below = tuple(f"{tree}/".encode("ascii") for tree in taken.trees)

    def __contains__(self, path: bytes) -> bool:
        return path in self._exact or path.startswith(self._below)


ALL_PATHS: Final = OwnPaths(taken_paths(own_listener=False, commands=True))
"""All that operators may ask for where they have a listener of their own."""
