"""TLS over a connection that is closing already."""

import asyncio
import ssl

import pytest
import uvloop

from aimux.edge.unread import start_tls


class Silent(asyncio.BufferedProtocol):
    """Reads nothing."""

    def get_buffer(self, sizehint: int) -> bytearray:
        return bytearray(1024)

    def buffer_updated(self, nbytes: int) -> None:
        """Nothing is done with what comes."""


async def _begin_late() -> None:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1")
    tcp, protocol = await loop.create_connection(Silent, *server.sockets[0].getsockname())
    tcp.abort()
    with pytest.raises(ConnectionAbortedError):
        async with asyncio.timeout(5):
            await start_tls(loop, tcp, protocol, ssl.create_default_context(), "localhost")
    server.close()
    await server.wait_closed()


@pytest.mark.timeout(30, method="thread")  # uvloop would wait where no signal is heard
def test_no_handshake_begins_on_a_connection_that_is_closing() -> None:
    uvloop.run(_begin_late())
