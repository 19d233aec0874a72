"""The end of a connection that must not look like the end of what was sent on it."""

import asyncio
import socket
import struct
from typing import Final

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER, on and for no time: closing resets the connection


def cut_off(transport: asyncio.Transport, *, unfinished: bool) -> None:
    """Close at once; where there was more to send, a reset says so, for a body may have no other end than this one."""
    if unfinished and not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
