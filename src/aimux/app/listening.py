"""The sockets that the gateway listens on."""

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Final

from aimux.app.errors import StartError
from aimux.config.schema import ServerConfig

BACKLOG: Final = 2048
_MOST_UNSENT: Final = 128 * 1024


async def bind(server: ServerConfig) -> list[socket.socket]:
    """Sockets that listen on the configured address and port, one an address that the host's name has.

    Who connects before anybody accepts waits. Raises StartError.
    """
    loop = asyncio.get_running_loop()
    try:
        bound = await loop.create_server(asyncio.Protocol, server.host, server.port, start_serving=False)
    except OSError as error:
        why = error.strerror or str(error)
        raise StartError(
            f"cannot listen on {server.host} port {server.port}: {why}; stop what uses it, or choose another with "
            "server.port or AIMUX_SERVER__PORT=9000"
        ) from error
    sockets = [socket.socket(fileno=os.dup(each.fileno())) for each in bound.sockets]
    bound.close()
    for each in sockets:
        # Connections inherit it: a client that does not read keeps this much waiting in the kernel and no megabytes.
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
        each.listen(BACKLOG)
    return sockets


def url_of(host: str, sockets: Sequence[socket.socket]) -> str:
    """Where clients find it."""
    port = sockets[0].getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
