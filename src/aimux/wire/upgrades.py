"""Wishes for another protocol on the same connection (RFC 9110 section 7.8). None is granted.

Most are ignored, as the standard says: the client gets an ordinary answer. One for WebSocket is refused in words, since
its client can make nothing of an ordinary answer.
"""

from collections.abc import Sequence, Set

from aimux.core.reason import Failure, Reason


def asks_for_websocket(upgrade: Sequence[bytes], connection: Set[bytes]) -> bool:
    """Whether a WebSocket handshake begins (RFC 6455 section 4.1), by Upgrade's values and Connection's options."""
    protocols = {protocol.strip().lower() for value in upgrade for protocol in value.split(b",")}
    return b"upgrade" in connection and b"websocket" in protocols


def no_websocket() -> Failure:
    """Why a WebSocket handshake is refused."""
    return Failure(
        Reason.UPGRADE_UNSUPPORTED,
        "the gateway does not speak WebSocket: it decides on each HTTP request, and nobody would on the messages of a "
        "WebSocket. Use the service's HTTP interface, which can stream its answers (server-sent events, stream: true)",
    )
