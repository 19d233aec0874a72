"""Cross-origin resource sharing: which pages may read the gateway's answers (CORS, in the Fetch standard).

Pages that ask with credentials (cookies, client certificates) never read an answer: Access-Control-Allow-Credentials
is not sent, whatever the origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aimux.wire.http1 import Head

ANY_ORIGIN: Final = "*"
METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_PREFIX: Final = b"access-control-"
_VARY: Final = b"Vary: Origin"
# By name for browsers that do not know the asterisk, which stands for what an upstream says.
_EXPOSED: Final = (
    b"Access-Control-Expose-Headers: X-Request-ID, Request-ID, X-Client-Request-ID, X-Upstream-Request-ID, "
    b"X-AIMux-Route, X-Should-Retry, Retry-After, WWW-Authenticate, *"
)

Lines = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cors:
    """The origins whose pages may read: `origins` as browsers write them, or ANY_ORIGIN alone.

    `headers` are the header fields that these pages may send, where an asterisk stands for all but Authorization;
    `max_age` is for how many seconds a browser may remember that.
    """

    origins: frozenset[str]
    headers: tuple[str, ...]
    max_age: int
    _closed: Lines = field(init=False)
    _open: dict[bytes, Lines] = field(init=False)

    def __post_init__(self) -> None:
        shown = {
            origin.encode("ascii"): b"Access-Control-Allow-Origin: " + origin.encode("ascii") for origin in self.origins
        }
        is_any = ANY_ORIGIN in self.origins
        # Caches must not give one origin what another was told; where all are told the same, they may.
        object.__setattr__(
            self, "_open", {o: (line, *([] if is_any else [_VARY]), _EXPOSED) for o, line in shown.items()}
        )
        object.__setattr__(self, "_closed", self._open.get(ANY_ORIGIN.encode("ascii"), (_VARY,)))

    def lines(self, head: Head) -> Lines:
        """The header lines that the answer to a request carries."""
        origins = head.values(b"origin")
        return self._open.get(origins[0], self._closed) if len(origins) == 1 else self._closed

    def preflight(self, head: Head) -> Lines | None:
        """The header lines that only the answer to a preflight has; None for what is none, or of no allowed origin."""
        if head.method != "OPTIONS" or b"access-control-request-method" not in head.first:
            return None
        origins = head.values(b"origin")
        if len(origins) != 1 or not (ANY_ORIGIN in self.origins or origins[0] in self._open):
            return None
        headers = (*self.headers, *(["Authorization"] if self.headers == ("*",) else []))
        return (
            b"Access-Control-Allow-Methods: " + METHODS,
            b"Access-Control-Allow-Headers: " + ", ".join(headers).encode("ascii"),
            b"Access-Control-Max-Age: %d" % self.max_age,
        )


def without_cors(lines: Sequence[bytes]) -> list[bytes]:
    """A response's header lines without an upstream's own word on who may read it."""
    return [line for line in lines if line[: len(_PREFIX)].lower() != _PREFIX]
