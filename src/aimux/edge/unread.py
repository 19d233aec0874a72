"""The last bytes of an upstream's connection: those that its transport would drop when the connection ends.

A server that answers in the middle of a request's body often closes its connection over unread bytes, which resets it.
Its answer is in the kernel's receive buffer by then. But the gateway's next write fails, and uvloop closes a transport
whose write has failed without reading from it again. The descriptor stays open until `connection_lost` has returned, so
that the rest can be read there.
"""

import asyncio
import errno
import os
import select
import ssl
from collections.abc import Iterator
from typing import Final, Protocol, cast

_PIECE: Final = 64 * 1024


def unread(transport: asyncio.BaseTransport) -> Iterator[bytes]:
    """The bytes that the kernel has received and the transport has not delivered, in pieces of at most 64 KiB.

    To be called in `connection_lost`. The connection's end is not told: after a failed write, the kernel answers a
    reset and an orderly end alike.
    """
    descriptor = transport.get_extra_info("socket").fileno()
    while True:
        try:
            data = os.read(descriptor, _PIECE)
        except OSError:  # nothing is left
            return
        if not data:
            return
        yield data


def waits(transport: asyncio.BaseTransport) -> bool:
    """Whether the kernel has bytes of a connection, or its end, that the transport has not delivered yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Tls(Protocol):
    """TLS over a transport, as the event loop implements it (`SSLProtocol`)."""

    def get_buffer(self, sizehint: int, /) -> memoryview:
        """A buffer for encrypted bytes."""

    def buffer_updated(self, nbytes: int, /) -> None:
        """So many encrypted bytes are in the buffer: decrypt them and hand them on."""

    def eof_received(self) -> bool | None:
        """The other side has closed the connection beneath TLS."""

    def connection_lost(self, exc: Exception | None, /) -> None:
        """The connection beneath TLS is gone."""

    def pause_writing(self) -> None:
        """The connection beneath TLS takes no more."""

    def resume_writing(self) -> None:
        """It takes more again."""


class WholeTls(asyncio.BufferedProtocol):
    """Stands between a TCP transport and its TLS, and has everything decrypted before the connection's end is told.

    uvloop's TLS hands on one buffer of the application's at a time, and the rest in the next turn of the loop or once
    reading is resumed. It forgets that rest where the connection ends first.
    """

    def __init__(self, tcp: asyncio.Transport, tls: Tls, application: asyncio.Transport) -> None:
        """`tls` is the protocol of `tcp`, `application` the transport that it gives to the application."""
        self._tcp = tcp
        self._tls = tls
        self._application = application
        self.get_buffer = tls.get_buffer  # type: ignore[assignment, method-assign]
        self.buffer_updated = tls.buffer_updated  # type: ignore[assignment, method-assign]
        self.pause_writing = tls.pause_writing  # type: ignore[method-assign]
        self.resume_writing = tls.resume_writing  # type: ignore[method-assign]

    def eof_received(self) -> bool | None:
        """The upstream has closed the connection: hand on what it sent before."""
        self._deliver()
        return self._tls.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: hand on what was received before, unless the gateway itself has closed it."""
        if exc is not None:
            for data in unread(self._tcp):
                self._tls.get_buffer(len(data))[: len(data)] = data
                self._tls.buffer_updated(len(data))
            self._deliver()
        self._tls.connection_lost(exc)

    def _deliver(self) -> None:
        """Have everything decrypted and handed on at once, also where the application has paused reading."""
        left = -1
        while left != (left := self._left()):
            self._application.resume_reading()
            self._tls.buffer_updated(0)

    def _left(self) -> int:
        """How many bytes wait within TLS. An incomplete record stays for ever."""
        decrypted: int = self._application.get_extra_info("ssl_object").pending()
        encrypted: int = self._application.get_read_buffer_size()  # type: ignore[attr-defined]
        return decrypted + encrypted


async def start_tls(
    loop: asyncio.AbstractEventLoop,
    tcp: asyncio.Transport,
    protocol: asyncio.BufferedProtocol,
    context: ssl.SSLContext,
    host: str,
) -> asyncio.Transport:
    """Speak TLS over a connection whose last bytes are to arrive: the transport for `protocol` from now on.

    Raises OSError, ssl.SSLError among them; the connection is closed then.
    """
    if tcp.is_closing():  # while the loop came round; uvloop would begin with TLS all the same
        raise ConnectionAbortedError(errno.ECONNABORTED, "the other side closed, or spoke first and not TLS")
    try:
        secured = cast("asyncio.Transport", await loop.start_tls(tcp, protocol, context, server_hostname=host))
    except BaseException:
        tcp.abort()
        raise
    if not tcp.is_closing():
        tcp.set_protocol(WholeTls(tcp, cast("Tls", tcp.get_protocol()), secured))
    return secured
