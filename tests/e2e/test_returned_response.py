"""What a client gets back: the upstream's status, headers and body unchanged, and the gateway's two headers."""

import gzip

import pytest
from e2e_support.client import Client, Response, ask, chunked, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import Peer, Received, answering

PLAIN = {"X-AIMux-Route": "plain"}


def returned(mesh: Mesh, response: bytes, method: str = "GET") -> Response:
    """What the client gets where the upstream answers with these bytes."""
    mesh.plain.handler = answering(response)
    return ask(mesh.port, method, "/", PLAIN)


def own_headers(response: Response) -> set[bytes]:
    """The names of the headers, without those that the gateway adds or that frame the body."""
    added = {b"x-aimux-route", b"x-request-id", b"request-id", b"content-length", b"transfer-encoding"}
    return {name.lower() for name, _ in response.headers} - added


def test_status_reason_headers_and_body_come_back_unchanged(mesh: Mesh) -> None:
    body = bytes(range(256))
    lines = [
        b"HTTP/1.1 418 I'm  a \xe9 teapot",
        b'content-TYPE: application/x-thing; a="b"',
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT",
        b"Server: probe",
        b'ETag: W/"x"',
        b"X-Latin: caf\xe9",
        b"X-Empty: ",
        b"Set-Cookie: a=1; Path=/",
        b"Set-Cookie: b=2, c; Path=/x",
    ]
    response = returned(mesh, b"\r\n".join([*lines, b"Content-Length: 256"]) + b"\r\n\r\n" + body)
    assert response.head.startswith(b"\r\n".join(lines) + b"\r\n")
    assert response.body == body
    assert response.header("X-AIMux-Route") == b"plain"
    assert response.header("X-Request-ID") == mesh.plain.only.header("X-Request-ID")
    assert response.header("request-id") == response.header("X-Request-ID")


def test_what_the_upstream_says_in_the_gateways_name_is_dropped(mesh: Mesh) -> None:
    spoofed = b"X-AIMux-Route: evil\r\nX-AIMux-Agent: evil\r\nX-Upstream-Request-ID: evil\r\nx-aimux-other: evil\r\n"
    response = returned(mesh, b"HTTP/1.1 200 OK\r\n" + spoofed + b"Content-Length: 0\r\n\r\n")
    assert response.header("X-AIMux-Route") == b"plain"
    assert b"evil" not in response.head


def test_hop_by_hop_headers_stay_behind(mesh: Mesh) -> None:
    hop = b"Connection: keep-alive, X-Named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"
    response = returned(mesh, b"HTTP/1.1 200 OK\r\n" + hop + b"X-Kept: 1\r\nContent-Length: 0\r\n\r\n")
    assert own_headers(response) == {b"x-kept"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_passed_back_and_stay_at_the_gateway(mesh: Mesh, status: int) -> None:
    location = f"http://127.0.0.1:{mesh.plain.port}/elsewhere".encode()
    response = returned(mesh, b"HTTP/1.1 %d Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location))
    assert (response.status, response.header("Location")) == (status, b"/elsewhere")
    assert len(mesh.plain.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 404, 429, 500, 503, 599])
def test_an_upstreams_errors_are_its_own(mesh: Mesh, status: int) -> None:
    response = returned(mesh, b"HTTP/1.1 %d Own\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nown!" % status)
    assert (response.status, response.reason, response.body) == (status, b"Own", b"own!")
    assert response.header("Retry-After") == b"7"


@pytest.mark.parametrize("head", [b"Content-Length: 5000", b"Transfer-Encoding: chunked", b"ETag: x"])
def test_the_answer_to_head_has_no_body_and_the_connection_goes_on(mesh: Mesh, head: bytes) -> None:
    mesh.plain.handler = answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
    with Client(mesh.port) as client:
        for _ in range(2):
            client.send(compose("HEAD", "/", PLAIN))
            response = client.read_response("HEAD")
            assert response.status == 200
            if b"Length" in head:
                assert response.header("Content-Length") == b"5000"
        mesh.plain.handler = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().body == b"next"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_response_without_a_body_ends_with_its_head(mesh: Mesh, status: bytes) -> None:
    mesh.plain.handler = answering(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    with Client(mesh.port) as client:
        for _ in range(2):
            client.send(compose("GET", "/", PLAIN))
            response = client.read_response()
            assert (response.header("ETag"), response.all("Transfer-Encoding")) == (b"x", [])
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().status == int(status[:3])
    assert len(mesh.plain.peers) == 1


def test_a_304_may_tell_the_length_that_a_body_would_have(mesh: Mesh) -> None:
    response = returned(mesh, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")
    assert response.header("Content-Length") == b"99"


def test_early_hints_are_passed_on_and_continue_is_not(mesh: Mesh) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    response = returned(mesh, interim * 2 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert response.interim == [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"] * 2
    assert (response.status, response.body) == (200, b"ok")


def test_a_chunked_body_stays_one_whatever_its_pieces(mesh: Mesh) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    body = chunked(b"a", b"bc" * 3000, b"\r\n0\r\n\r\n")[:-2] + b"X-Sum: 1\r\n\r\n"

    def trickle(peer: Peer, _: Received) -> None:
        for at in range(len(head)):
            peer.send(head[at : at + 1])
        for at in range(0, len(body), 7):
            peer.send(body[at : at + 7])

    mesh.plain.handler = trickle
    response = ask(mesh.port, headers=PLAIN)
    assert response.header("Transfer-Encoding") == b"chunked"
    assert response.body == b"a" + b"bc" * 3000 + b"\r\n0\r\n\r\n"
    assert b"X-Sum" not in response.head


def _until_close(peer: Peer, _: Received) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n\r\nfirst ")
    peer.send(b"second")
    peer.close()


def test_a_body_that_lasts_until_close_comes_in_chunks(mesh: Mesh) -> None:
    mesh.plain.handler = _until_close
    with Client(mesh.port) as client:
        for _ in range(2):
            client.send(compose("GET", "/", PLAIN))
            response = client.read_response()
            assert response.header("Transfer-Encoding") == b"chunked"
            assert response.body == b"first second"
    assert len(mesh.plain.peers) == 2


def test_a_body_of_unknown_length_lasts_until_close_for_an_old_client(mesh: Mesh) -> None:
    mesh.plain.handler = _until_close
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN, version="1.0"))
        response = client.read_response()
    assert (response.header("Transfer-Encoding"), response.header("Connection")) == (None, b"close")
    assert response.body == b"first second"


def test_an_old_client_gets_no_interim_response(mesh: Mesh) -> None:
    mesh.plain.handler = answering(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN, version="1.0"))
        response = client.read_response()
    assert (response.interim, response.body) == ([], b"ok")


def test_an_encoded_body_is_not_touched(mesh: Mesh) -> None:
    body = gzip.compress(b"x" * 10_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    response = returned(mesh, head + body)
    assert (response.header("Content-Encoding"), response.body) == (b"gzip", body)


def test_an_answer_before_the_whole_request_is_passed_on_and_ends_the_connection(mesh: Mesh) -> None:
    def early(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 413 Enough\r\nContent-Length: 6\r\n\r\nenough")
        peer.wait_closed()

    mesh.plain.on_connect = early
    with Client(mesh.port) as client:
        headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": "100000"}
        client.send(compose("POST", "/", headers) + b"x" * 1000)
        response = client.read_response()
        assert (response.status, response.body, response.header("Connection")) == (413, b"enough", b"close")
        client.send(b"x" * 1000)
        assert client.closed()
