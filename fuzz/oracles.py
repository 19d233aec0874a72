"""What other parsers make of the same bytes: llhttp and h11."""

from collections.abc import Sequence

import h11
import httptools

from aimux.wire.http1 import CHUNKED, Head
from fuzz.target import expect

BODY = b"0123456789" * 4
CHUNKS = b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nx-trailer: z\r\n\r\n"
# The methods of HTTP that llhttp knows, but for CONNECT and TRACE.
KNOWN = (
    b"DELETE GET HEAD POST PUT OPTIONS COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL"
    b" REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK QUERY"
).split()


class Llhttp:
    """What llhttp makes of a request; `error` where it refuses."""

    def __init__(self, data: bytes) -> None:
        self.target, self.body = b"", b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.error: Exception | None = None
        self.head_complete = self.complete = self.upgraded = False
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.upgraded = True
        except httptools.HttpParserError as error:
            self.error = error
        self.method: str = self._parser.get_method().decode()
        self.version: str = self._parser.get_http_version()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        if not self.head_complete:
            self.headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The end of the head."""
        self.head_complete = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """The end of the request."""
        self.complete = True


class H11:
    """What h11 makes of a request; `error` where it refuses."""

    def __init__(self, data: bytes) -> None:
        self.method, self.target, self.version, self.body = "", b"", "", b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.error: Exception | None = None
        self.complete = self.upgraded = False
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        try:
            connection.receive_data(data)
            self._read(connection)
        except h11.RemoteProtocolError as error:
            self.error = error

    def _read(self, connection: h11.Connection) -> None:
        while isinstance(event := connection.next_event(), h11.Event):
            if isinstance(event, h11.Request):
                self.method, self.target = event.method.decode(), event.target
                self.version = event.http_version.decode()
                self.headers = [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                self.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.complete = True


def readings(head: Head, data: bytes) -> tuple[Llhttp | H11, ...]:
    """The same bytes as the two other parsers read them, llhttp's with a method that it knows."""
    if head.method.encode() in KNOWN:
        return Llhttp(data), H11(data)
    llhttp = Llhttp(b"POST" + data[len(head.method) :])
    llhttp.method = head.method
    return llhttp, H11(data)


def origin_form(target: bytes) -> bytes:
    """The target as a server would read it: the path and query of an absolute URL."""
    if target.startswith(b"/"):
        return target
    scheme, _, rest = target.partition(b"://")
    expect("a target that is no path is an http URL", kept=scheme.lower() == b"http")
    authority = rest.partition(b"/")[0].partition(b"?")[0]
    return rest[len(authority) :] if rest[len(authority) :].startswith(b"/") else b"/" + rest[len(authority) :]


def expect_agreement(head: Head, data: bytes) -> None:
    """Hold a head that was read from `data` against both: the same meaning, and the same end of the request."""
    body = CHUNKS if head.length == CHUNKED else BODY[: min(head.length, len(BODY))]
    payload = b"helloabc" if head.length == CHUNKED else body
    headers = _comparable([(name, value) for name, value, _ in head.lines])
    for other in readings(head, data + body):
        who = type(other).__name__
        expect(f"{who} accepts what is accepted: {other.error}", kept=other.error is None)
        expect(f"{who} reads the same method", kept=other.method == head.method)
        expect(f"{who} reads the same target", kept=origin_form(other.target) == head.target)
        expect(f"{who} reads the same version", kept=other.version == f"1.{head.minor}")
        expect(f"{who} reads the same headers", kept=_comparable(other.headers) == headers)
        if not other.upgraded:  # httptools leaves the body of a request to upgrade to others
            expect(f"{who} reads the same body", kept=other.body == payload)
            expect(f"{who} finds the same end", kept=other.complete == (head.length <= len(BODY)))
    if body:
        for other in readings(head, data + body[:-1]):
            expect("a request ends where its body does", kept=other.error is None)
            expect("a request ends where its body does", kept=other.upgraded or not other.complete)


def _comparable(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in headers]
