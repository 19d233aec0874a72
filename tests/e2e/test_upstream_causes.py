"""Why an upstream failed stands in the log and in the audit log, and never in the answer to the caller."""

import json
import re
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from e2e_support.client import Response, ask
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream, answer_ok, answering

pytestmark = pytest.mark.fault

PLAIN = {"X-AIMux-Route": "plain"}
TLS = {"X-AIMux-Route": "tls"}
HEAD = b"HTTP/1.1 200 OK\r\n"


def begin(start: Start, url: str, **route: object) -> Gateway:
    """A gateway with one route to this upstream."""
    name = "tls" if url.startswith("https") else "plain"
    return start({"upstreams": {"connect_timeout": 2}, "routes": [{"name": name, "upstream": url, **route}]})


def learns(gateway: Gateway, response: Response, status: int, code: str, message: str) -> str:
    """Check what the caller learns; what the operator does."""
    error = json.loads(response.body)["error"]
    assert (response.status, error["code"], error["message"]) == (status, code, f"{message} [{code}]")
    line = gateway.fault_line(response.header("X-Request-ID"))
    assert line["verdict"] == code
    detail: str = line["detail"]
    assert any(json.dumps(detail)[1:-1] in file.read_text() for file in gateway.audit.rglob("*.jsonl"))
    return detail


def test_an_upstream_that_refuses(start: Start, dead_port: int) -> None:
    gateway = begin(start, f"http://127.0.0.1:{dead_port}")
    with under_load(gateway.port, route="plain"):
        found = learns(
            gateway, ask(gateway.port, headers=PLAIN), 502, "upstream_unreachable", "the upstream cannot be reached"
        )
    assert found == f"127.0.0.1:{dead_port}: 127.0.0.1:{dead_port}: ECONNREFUSED (Connection refused)"


def test_an_address_that_no_route_leads_to(start: Start) -> None:
    gateway = begin(start, "http://255.255.255.255:80")
    with under_load(gateway.port, route="plain"):
        found = learns(
            gateway, ask(gateway.port, headers=PLAIN), 502, "upstream_unreachable", "the upstream cannot be reached"
        )
    assert found == "255.255.255.255: 255.255.255.255:80: ENETUNREACH (Network is unreachable)"


# A response that does not come whole.

LOST = "the upstream closed the connection without an answer"
BROKEN = "the upstream closed the connection in the middle of its response"


@dataclass(frozen=True, slots=True)
class Lost:
    """What an upstream sends before it leaves and how it leaves; what becomes of that, and the cause that is told."""

    sent: bytes
    leave: Callable[[Peer], None]
    code: str
    message: str
    why: str


@pytest.mark.parametrize(
    "case",
    [
        Lost(b"", Peer.close, "upstream_unreachable", LOST, "it was closed"),
        Lost(b"", Peer.reset, "upstream_unreachable", LOST, r"ECONNRESET \(Connection reset by peer\)"),
        Lost(HEAD, Peer.close, "upstream_invalid", BROKEN, "it was closed"),
        Lost(
            HEAD + b"bad header\r\n\r\n", Peer.close, "upstream_invalid", "the upstream's response is malformed", ".+"
        ),
    ],
    ids=["closed", "reset", "closed in the head", "malformed"],
)
def test_a_response_that_does_not_come(start: Start, upstream: Upstream, case: Lost) -> None:
    def handler(peer: Peer, _: Received) -> None:
        peer.send(case.sent)
        case.leave(peer)

    upstream.handler = handler
    gateway = begin(start, upstream.url)
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=PLAIN), 502, case.code, case.message)
    where = re.escape(f"127.0.0.1:{upstream.port}: 127.0.0.1:{upstream.port}: {case.message}: ")
    assert re.fullmatch(where + case.why, found)


def test_a_kept_connection_that_was_closed(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream.url)

    def handler(peer: Peer, request: Received) -> None:
        if request.line.startswith(b"POST"):
            peer.close()
        else:
            answer_ok(peer, request)

    upstream.handler = handler
    with under_load(gateway.port):
        assert ask(gateway.port, headers=PLAIN).status == 200
        response = ask(gateway.port, "POST", headers=PLAIN, body=b"x")
        message = "the upstream closed a kept connection, and this request may not be sent twice: try again"
        found = learns(gateway, response, 502, "upstream_unreachable", message)
    assert found.endswith(": a kept connection was closed when it was used again: it was closed")


def test_a_truncated_response(start: Start, upstream: Upstream) -> None:
    upstream.handler = lambda peer, _: (peer.send(HEAD + b"Content-Length: 9\r\n\r\nsome"), peer.reset())[0]
    gateway = begin(start, upstream.url)
    with under_load(gateway.port):
        line = truncated(gateway)
    assert line.startswith(f"127.0.0.1:{upstream.port}: 127.0.0.1:{upstream.port}: {BROKEN}: ")


def truncated(gateway: Gateway) -> str:
    """Ask, and take what the log says of the response that was cut."""
    before = len(gateway.lines)
    with pytest.raises(Exception, match="aborted"):
        ask(gateway.port, headers=PLAIN)
    detail: str = gateway.wait_line(lambda line: line["event"] == "fault", "the cause", after=before)["detail"]
    return detail


# TLS.

UNTRUSTED = "the upstream's TLS certificate is not trusted"
UNREACHED = "the upstream cannot be reached"


class Authorities:
    """A certificate authority in a file, and contexts for servers."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)

    def context(
        self, ca: trustme.CA | None = None, name: str = "localhost", *, until: datetime | None = None
    ) -> ssl.SSLContext:
        """A server's context with a certificate for this name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (ca or self.ca).issue_cert(name, not_after=until).configure_cert(context)
        return context


@pytest.fixture
def authorities(tmp_path: Path) -> Authorities:
    """An authority of this test's own."""
    return Authorities(tmp_path)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("unknown authority", "unable to get local issuer certificate|self-signed certificate in certificate chain"),
        ("wrong name", "Hostname mismatch, certificate is not valid for 'localhost'."),
        ("expired", "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_trusted(
    start: Start, new_upstream: NewUpstream, authorities: Authorities, case: str, why: str
) -> None:
    context = {
        "unknown authority": lambda: authorities.context(trustme.CA()),
        "wrong name": lambda: authorities.context(name="other.example"),
        "expired": lambda: authorities.context(until=datetime(2020, 1, 1, tzinfo=UTC)),
    }[case]()
    upstream = new_upstream(tls=context, name="localhost")
    gateway = begin(start, upstream.url, ca_file=authorities.file)
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=TLS), 502, "upstream_unreachable", UNTRUSTED)
        again = learns(gateway, ask(gateway.port, headers=TLS), 502, "upstream_unreachable", UNTRUSTED)
    name = "other.example" if case == "wrong name" else "localhost"
    date = r"\d{4}-\d\d-\d\d"
    until = "2020-01-01" if case == "expired" else date
    whole = (
        rf"localhost:{upstream.port}: 127\.0\.0\.1:{upstream.port}: TLS certificate refused: .*(?:{why}).*; "
        rf"certificate of '.+' for {name}, issued by '.+', valid {date} to {until}"
    )
    assert re.fullmatch(whole, found)
    assert again == found, "the certificate is remembered"
    # The certificate was looked at once, without a request.
    assert upstream.requests == []
    assert len(upstream.peers) <= 3


def test_a_protocol_version_that_is_too_old(start: Start, new_upstream: NewUpstream, authorities: Authorities) -> None:
    context = authorities.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    upstream = new_upstream(tls=context, name="localhost")
    gateway = begin(start, upstream.url, ca_file=authorities.file)
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=TLS), 502, "upstream_unreachable", UNREACHED)
    assert re.search(r": TLS handshake failed: SSLError \(.*(?i:protocol|version)", found)


def test_an_upstream_that_speaks_no_tls(start: Start, upstream: Upstream) -> None:
    upstream.on_connect = lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    gateway = begin(start, f"https://localhost:{upstream.port}")
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=TLS), 502, "upstream_unreachable", UNREACHED)
    # Its bytes come before the handshake begins, or in the place of the answer to that.
    assert re.search(r": TLS handshake failed: (SSLError \(.*WRONG_VERSION_NUMBER|ECONNABORTED \()", found)


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
def test_a_connection_cut_in_the_middle_of_the_handshake(
    start: Start, upstream: Upstream, leave: Callable[[Peer], None]
) -> None:
    def cut(peer: Peer) -> None:
        peer.read_exactly(16)
        leave(peer)

    upstream.on_connect = cut
    gateway = begin(start, f"https://localhost:{upstream.port}")
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=TLS), 502, "upstream_unreachable", UNREACHED)
    assert re.search(rf"127\.0\.0\.1:{upstream.port}: TLS handshake failed: \S+", found)
    gateway.wait_idle()


def test_a_handshake_that_hangs(start: Start, upstream: Upstream) -> None:
    upstream.on_connect = lambda peer: peer.wait_closed()
    gateway = start(
        {
            "upstreams": {"connect_timeout": 0.4},
            "routes": [{"name": "tls", "upstream": f"https://localhost:{upstream.port}"}],
        }
    )
    message = "the upstream could not be reached in time"
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=TLS), 504, "upstream_timeout", message)
    within = "TLS handshake not finished within upstreams.connect_timeout (0.4 s)"
    assert found == f"localhost:{upstream.port}: 127.0.0.1:{upstream.port}: {within}"
    gateway.wait_idle()


def test_a_response_that_does_not_begin_in_time(start: Start, upstream: Upstream) -> None:
    upstream.handler = answering(b"")
    config = {"upstreams": {"response_timeout": 0.4}, "routes": [{"name": "plain", "upstream": upstream.url}]}
    gateway = start(config)
    message = "the upstream did not answer in time"
    with under_load(gateway.port):
        found = learns(gateway, ask(gateway.port, headers=PLAIN), 504, "upstream_timeout", message)
    assert found.startswith(f"127.0.0.1:{upstream.port}: 127.0.0.1:{upstream.port}: {message}")
