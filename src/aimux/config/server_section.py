"""The section `server`: where the gateway listens, and what it accepts from clients."""

from pydantic import ByteSize

from aimux.config.fields import (
    Count,
    CountOrNone,
    Host,
    Network,
    Origins,
    Port,
    RequestHeader,
    Seconds,
    SecondsOrOff,
    Size,
    Token,
    Workers,
)
from aimux.config.section import KIB, MIB, Section


class CorsConfig(Section):
    """Which web pages may call the gateway from a browser, as any agent: see threat-model.md."""

    origins: Origins
    """Origins of these pages, such as https://app.example. ["*"]: those of any page."""
    headers: tuple[RequestHeader, ...] = ("*",)
    """Header fields that these pages may send. ["*"]: any."""
    max_age: CountOrNone = 600
    """Seconds that a browser may remember what a preflight was answered."""


class ServerConfig(Section):
    """Where the gateway listens, and what it accepts from clients."""

    host: Host = "127.0.0.1"
    """Address to listen on. 127.0.0.1 serves this machine only, 0.0.0.0 every IPv4 network, :: every network."""
    port: Port = 8080
    """TCP port to listen on. 0 takes any free port."""
    workers: Workers = 1
    """Processes that serve, each with its own model, best one a core. Limits on connections and texts hold for each."""
    admin_token: Token | None = None
    """Bearer token of the operator `admin`, at least 16 characters. Without operators only this machine reads pages."""
    trusted_proxies: tuple[Network, ...] = ()
    """Addresses and networks whose X-Forwarded-* headers are believed."""
    drain_timeout: Seconds = 30.0
    """Seconds that running requests may take to finish when the gateway stops."""
    max_connections: Count = 10_000
    """Client connections that may be open at once."""
    max_header_bytes: Size = ByteSize(32 * KIB)
    """Size of a request's head, without the request line."""
    max_headers: Count = 100
    """Header fields in one request."""
    max_target_bytes: Size = ByteSize(8 * KIB)
    """Size of a request's path and query."""
    max_body_bytes: Size = ByteSize(10 * MIB)
    """Size of a request's body, also after decoding."""
    header_timeout: Seconds = 10.0
    """Seconds that a client may take to send a request's head."""
    body_timeout: Seconds = 30.0
    """Seconds without a byte of a request's body after which the client is given up."""
    send_timeout: Seconds = 30.0
    """Seconds that a client may leave a response unread, or read less than 1 KiB a second, before it is given up."""
    idle_timeout: Seconds = 75.0
    """Seconds that a client's connection is kept open between requests."""
    sse_keepalive: SecondsOrOff | None = None
    """Seconds of silence after which an event stream's client is sent a comment. null or 0: it is never sent any."""
    cors: CorsConfig | None = None
    """Web pages that may call the gateway from a browser. Without it no browser lets a page of another origin do so."""
