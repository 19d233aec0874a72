"""An upstream that a test scripts: it records every byte that it receives and answers with exactly what it is told."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from e2e_support.waiting import DEADLINE, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in: `body` is decoded from chunks, `raw_body` is not."""

    peer: "Peer"
    head: bytes
    body: bytes = b""
    raw_body: bytes = b""

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names as received, and values, in order."""
        pairs = (line.partition(b": ") for line in self.head[:-4].split(b"\r\n")[1:])
        return [(name, value) for name, _, value in pairs]

    def all(self, name: str) -> list[bytes]:
        """The values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower().encode()]

    def header(self, name: str) -> bytes | None:
        """The value of a header that stands at most once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def names(self) -> set[bytes]:
        """The names of all headers, in lower case."""
        return {name.lower() for name, _ in self.headers}


class Gone(Exception):  # noqa: N818
    """The gateway has closed the connection."""


class Peer:
    """One connection that the gateway has opened."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.recorded = bytearray()
        self._buffer = b""

    def _more(self) -> None:
        try:
            data = self.socket.recv(256 * 1024)
        except (ConnectionError, ssl.SSLError, ValueError) as error:
            raise Gone from error
        except OSError as error:
            if self.socket.fileno() < 0:
                raise Gone from error
            raise
        if not data:
            raise Gone
        self.recorded += data
        self._buffer += data

    def read_until(self, mark: bytes) -> bytes:
        """All bytes up to and including `mark`."""
        while mark not in self._buffer:
            self._more()
        found, mark, self._buffer = self._buffer.partition(mark)
        return found + mark

    def read_exactly(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def read_head(self) -> Received:
        """The next request's head."""
        return Received(self, self.read_until(b"\r\n\r\n"))

    def read_request(self) -> Received:
        """The next request with its body."""
        request = self.read_head()
        if request.header("Transfer-Encoding") is not None:
            body = raw = b""
            while True:
                line = self.read_until(b"\r\n")
                chunk = self.read_exactly(int(line, 16))
                raw += line + chunk + self.read_exactly(2)
                body += chunk
                if not chunk:
                    return Received(self, request.head, body, raw)
        body = self.read_exactly(int(request.header("Content-Length") or 0))
        return Received(self, request.head, body, body)

    def send(self, data: bytes) -> None:
        """Send everything, unless the gateway has gone."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError) as error:
            raise Gone from error
        except OSError as error:
            if self.socket.fileno() < 0:
                raise Gone from error
            raise

    def close(self) -> None:
        """Close the connection (a FIN; without TLS's farewell).

        The descriptor is left to the thread that reads from it: it could be another connection's before that one looks.
        """
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def farewell(self) -> None:
        """Close the connection with TLS's farewell."""
        assert isinstance(self.socket, ssl.SSLSocket)
        with contextlib.suppress(OSError):
            self.socket.unwrap()
        self.socket.close()

    def reset(self) -> None:
        """Close the connection with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def wait_closed(self) -> None:
        """Wait until the gateway has closed the connection."""
        with contextlib.suppress(Gone):
            while True:
                self._more()

    @property
    def open(self) -> bool:
        """Whether the gateway has the connection open still, as far as has been heard."""
        if self.socket.fileno() < 0:
            return False
        if not select.select([self.socket], [], [], 0)[0]:
            return True
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False


Handler = Callable[[Peer, Received], None]


def answer_ok(peer: Peer, request: Received) -> None:
    """What an upstream does that nothing was told."""
    peer.send(OK[:-2] if request.line.startswith(b"HEAD ") else OK)


def answering(response: bytes) -> Handler:
    """Answers every request with these bytes."""
    return lambda peer, _: peer.send(response)


@dataclass(eq=False)
class Upstream:
    """A listening socket. `handler` answers each request; `on_connect`, where set, has the connection to itself."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    name: str = ""
    receive_buffer: int | None = None
    handler: Handler = answer_ok
    on_connect: Callable[[Peer], None] | None = None
    peers: list[Peer] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    served: int = 0
    faults: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        if self.receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, 0))
        self._listener.listen(512)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        host = self.name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection.settimeout(DEADLINE)
                connection = self.tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        peer = Peer(connection)
        with self._lock:
            self.peers.append(peer)
        try:
            self._converse(peer)
        except Gone:
            pass
        except BaseException as fault:  # raised again in the test's own thread
            self.faults.append(fault)
        finally:
            peer.socket.close()
            with self._lock:
                self.served += 1

    def _converse(self, peer: Peer) -> None:
        if self.on_connect is not None:
            self.on_connect(peer)
            return
        while peer.socket.fileno() >= 0:
            request = peer.read_request()
            with self._lock:
                self.requests.append(request)
            self.handler(peer, request)

    def wait_requests(self, count: int = 1) -> list[Received]:
        """The requests so far, once there are `count`."""
        until(lambda: len(self.requests) >= count, f"{count} requests at the upstream")
        return list(self.requests)

    def wait_peers(self, count: int = 1) -> list[Peer]:
        """The connections so far, once there are `count`."""
        until(lambda: len(self.peers) >= count, f"{count} connections at the upstream")
        return list(self.peers)

    def wait_served(self, count: int = 1) -> None:
        """Wait until the scripts of `count` connections have ended, theirs or because the gateway closed them."""
        until(lambda: self.served >= count, f"the end of {count} connections at the upstream")

    def wait_recorded(self, data: bytes) -> None:
        """Wait until these bytes have come in on some connection."""
        until(lambda: any(data in peer.recorded for peer in self.peers), f"{data!r} at the upstream")

    @property
    def only(self) -> Received:
        """The one request that has come."""
        requests = self.wait_requests(1)
        assert len(requests) == 1, f"{len(requests)} requests reached the upstream"
        return requests[0]

    def forget(self) -> None:
        """Close all connections and begin anew; raises what went wrong in a script."""
        for peer in list(self.peers):
            peer.close()
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive(), "a script of the upstream did not end"
        self._threads.clear()
        faults, self.faults = self.faults, []
        self.handler, self.on_connect = answer_ok, None
        self.peers, self.requests, self.served = [], [], 0
        if faults:
            raise faults[0]

    def close(self) -> None:
        """Stop listening, and `forget`."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(DEADLINE)
        self.forget()


class Slow:
    """Makes an upstream answer in two parts, the second once it is told to."""

    def __init__(self, upstream: Upstream) -> None:
        self.go_on = threading.Event()
        upstream.handler = self

    def __call__(self, peer: Peer, _: Received) -> None:
        """Answer one request."""
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbefore")
        self.go_on.wait(DEADLINE)
        peer.send(b"+after")
