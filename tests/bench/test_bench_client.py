"""The client for single calls."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bench import BenchError
from bench.client import Client, answers, get, post, status

Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one connection with pieces of bytes, each sent when something has been read; gives the port."""
    with ExitStack() as stack:

        def start(*pieces: bytes) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(10)
            thread = threading.Thread(target=_answer, args=(listener, pieces))
            thread.start()
            stack.callback(thread.join)
            return int(listener.getsockname()[1])

        yield start


def _answer(listener: socket.socket, pieces: tuple[bytes, ...]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)


def test_a_response_is_read_to_its_end_however_it_arrives(serve: Serve) -> None:
    response = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: b\r\n\r\nhello"
    with Client(serve(*(bytes([byte]) for byte in response))) as client:
        assert client.call(get("/")) == response
    with Client(serve(response)) as client:
        client.succeed(get("/"))


def test_a_refusal_is_no_success(serve: Serve) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    with Client(serve(refusal)) as client, pytest.raises(BenchError, match="403"):
        client.succeed(get("/"))
    assert not answers(serve(refusal), "/")
    assert answers(serve(refusal.replace(b"403 Forbidden", b"200 OK")), "/")


def test_a_response_of_unknown_length_is_an_error(serve: Serve) -> None:
    # A length that only the body speaks of is none.
    with Client(serve(b"HTTP/1.1 200 OK\r\n\r\n\r\nContent-Length: 0\r\n")) as client, pytest.raises(BenchError):
        client.call(get("/"))


def test_a_response_that_breaks_off_is_an_error(serve: Serve) -> None:
    with (
        Client(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as client,
        pytest.raises(ConnectionResetError),
    ):
        client.call(get("/"))


def test_nobody_there_is_no_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert not answers(unused.getsockname()[1], "/")


def test_requests_are_complete() -> None:
    head, _, body = post('{"query": "größer"}', "some-bot").partition(b"\r\n\r\n")
    assert body == '{"query": "größer"}'.encode()
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert b"\r\nX-Source-Agent: some-bot" in head
    assert post("{}", "some-bot", "/v1/chat").startswith(b"POST /v1/chat HTTP/1.1\r\n")
    assert status(b"HTTP/1.1 404 Not Found\r\n\r\n") == 404
