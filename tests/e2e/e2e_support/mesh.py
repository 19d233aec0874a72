"""What the fixtures hand to the tests."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.upstream import Upstream

Start = Callable[..., Gateway]
NewUpstream = Callable[..., Upstream]


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, and a server's TLS context with a certificate of it for `localhost` and 127.0.0.1."""

    file: Path
    server: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Mesh:
    """The gateway that most tests share, and the upstreams of its routes."""

    gateway: Gateway
    plain: Upstream
    six: Upstream
    secure: Upstream

    @property
    def port(self) -> int:
        """The gateway's port."""
        return self.gateway.port

    def settle(self) -> None:
        """Wait for the line of a request that is refused: those of all requests before it stand in the log then."""
        self.gateway.request_line(ask(self.port).header("X-Request-ID"))
