"""What an upstream may not send: refused as 502 `upstream_invalid`, and the connection is never used again."""

import json
import threading

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import Peer, Received, answer_ok, answering
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
INVALID = {
    "length and chunked": HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked and length": HEAD + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": HEAD + LENGTH + b"Content-Length: 4\r\n\r\nokok",
    "the same length twice": HEAD + LENGTH + LENGTH + b"\r\nok",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\nok",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": HEAD + b"Content-Length: +2\r\n\r\nok",
    "an endless length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "another transfer coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "an unknown transfer coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\nok",
    "two transfer codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a switch without a name": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n" + LENGTH + b"\r\nok",
    "a status under 100": b"HTTP/1.1 099 OK\r\n" + LENGTH + b"\r\nok",
    "a header without a name": HEAD + b": x\r\n" + LENGTH + b"\r\nok",
    "a header without a colon": HEAD + b"nonsense\r\n" + LENGTH + b"\r\nok",
    "a space before the colon": HEAD + b"X-A : 1\r\n" + LENGTH + b"\r\nok",
    "a folded header": HEAD + b"X-A: 1\r\n  Set-Cookie: evil\r\n" + LENGTH + b"\r\nok",
    "a null in a header": HEAD + b"X-A: a\0b\r\n" + LENGTH + b"\r\nok",
    "a bare CR in a header": HEAD + b"X-A: a\rSet-Cookie: evil\r\n" + LENGTH + b"\r\nok",
    "interim responses without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + HEAD + LENGTH + b"\r\nok",
    "continues without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 17 + HEAD + LENGTH + b"\r\nok",
    "a megabyte of headers": HEAD
    + b"".join(b"X-%d: %b\r\n" % (n, b"x" * 1000) for n in range(1000))
    + LENGTH
    + b"\r\nok",
    "too many headers": HEAD + b"X-A: 1\r\n" * 1000 + LENGTH + b"\r\nok",
    "a header of a megabyte": HEAD + b"X-A: " + b"x" * 1_000_000 + b"\r\n" + LENGTH + b"\r\nok",
    "a reason of a megabyte": b"HTTP/1.1 200 " + b"x" * 1_000_000 + b"\r\n" + LENGTH + b"\r\nok",
    "a header name of a megabyte": HEAD + b"x" * 1_000_000 + b": 1\r\n" + LENGTH + b"\r\nok",
}


@pytest.mark.parametrize("response", INVALID.values(), ids=INVALID.keys())
def test_an_invalid_response_is_refused_and_its_connection_not_used_again(mesh: Mesh, response: bytes) -> None:
    mesh.plain.handler = answering(response)
    refusal = ask(mesh.port, headers=PLAIN)
    error = json.loads(refusal.body)["error"]
    assert (refusal.status, error["code"], error["type"]) == (502, "upstream_invalid", "upstream_error")
    assert b"evil" not in refusal.head + refusal.body
    mesh.plain.peers[0].wait_closed()
    mesh.plain.handler = answer_ok
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    assert len(mesh.plain.peers) == 2


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 ", HEAD + b"X-A: ", HEAD, HEAD + b"x"], ids=["reason", "value", "head", "name"]
)
def test_a_head_without_end_is_cut_off_early(mesh: Mesh, start: bytes) -> None:
    most = 16 * 1024 * 1024
    sent = 0

    def pour(peer: Peer, _: Received) -> None:
        nonlocal sent
        peer.send(start)
        # Once the gateway has answered something else, it has read what came before.
        ask(mesh.port, target="/healthz")
        line = b"X-A: 1\r\n" * 128 if start == HEAD else b"x" * 1024
        while sent < most:
            peer.send(line)
            sent += len(line)

    mesh.plain.handler = pour
    assert ask(mesh.port, headers=PLAIN).status == 502
    mesh.plain.peers[0].wait_closed()
    assert sent < most


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nsome\r\n0\r\n\r\n",
        b"4\nsome\r\n0\r\n\r\n",
        b"2\r\nsome\r\n0\r\n\r\n",
        b"-4\r\nsome\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nsome",
        b" 4\r\nsome\r\n0\r\n\r\n",
    ],
)
def test_a_bad_chunk_aborts_the_response(mesh: Mesh, body: bytes) -> None:
    seen = threading.Event()

    def handler(peer: Peer, _: Received) -> None:
        peer.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n")
        seen.wait(DEADLINE)
        peer.send(body)

    mesh.plain.handler = handler
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN))
        assert client.read_head().status == 200
        assert client.read_chunk() == b"good"
        seen.set()
        assert not client.ending()[0].endswith(b"0\r\n\r\n")
    mesh.plain.peers[0].wait_closed()
    mesh.plain.handler = answer_ok
    assert ask(mesh.port, headers=PLAIN).body == b"ok"


def test_an_upstream_that_speaks_first_has_said_nothing(mesh: Mesh) -> None:
    def handler(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        mesh.plain.requests.append(peer.read_request())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")

    mesh.plain.on_connect = handler
    response = ask(mesh.port, headers=PLAIN)
    assert response.status in {200, 502}
    assert len(mesh.plain.requests) <= 1


def test_sixteen_interim_responses_are_borne(mesh: Mesh) -> None:
    mesh.plain.handler = answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 16 + HEAD + LENGTH + b"\r\nok")
    response = ask(mesh.port, headers=PLAIN)
    assert (len(response.interim), response.body) == (16, b"ok")
