"""A gateway that did not run for longer than its deadlines: what came meanwhile is read before anybody is given up."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e_support.client import Client, compose
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import OK, Peer, Received, Upstream

PLAIN = {"X-AIMux-Route": "plain"}
WAIT = 1.0
ROUNDS = 3  # which of two events a process sees first, when it goes on, is the kernel's choice


@pytest.fixture
def gateway(start: Start, upstream: Upstream) -> Gateway:
    """A gateway that waits for nobody for long."""
    server = {"header_timeout": WAIT, "body_timeout": WAIT, "idle_timeout": WAIT}
    routes = [{"name": "plain", "upstream": upstream.url}]
    return start({"server": server, "upstreams": {"response_timeout": WAIT, "idle_timeout": WAIT}, "routes": routes})


@contextmanager
def stopped(gateway: Gateway) -> Iterator[None]:
    """Stop the process while the block runs, and for longer than its deadlines."""
    gateway.signal(signal.SIGSTOP)
    try:
        yield
        time.sleep(1.5 * WAIT)
    finally:
        gateway.signal(signal.SIGCONT)


@pytest.mark.fault
@pytest.mark.parametrize("cut", [0, 10, len(OK) - 1], ids=["whole", "rest of head", "rest of body"])
def test_an_answer_that_came_while_the_gateway_stood_still_is_passed_on(
    gateway: Gateway, upstream: Upstream, cut: int
) -> None:
    def answer(peer: Peer, _: Received) -> None:
        peer.send(OK[:cut])
        with stopped(gateway):
            peer.send(OK[cut:])

    upstream.handler = answer
    with under_load(gateway.port), Client(gateway.port) as client:
        for _ in range(ROUNDS if cut == 0 else 1):
            client.send(compose("GET", "/", PLAIN))
            assert client.read_response().body == b"ok"


@pytest.mark.fault
@pytest.mark.parametrize("cut", [0, 30, -5], ids=["next request", "rest of head", "rest of body"])
def test_a_request_that_came_while_the_gateway_stood_still_is_answered(gateway: Gateway, cut: int) -> None:
    request = compose("POST", "/", {**PLAIN, "Content-Type": "application/octet-stream"}, b"0123456789")
    with under_load(gateway.port), Client(gateway.port) as client:
        client.send(compose("GET", "/v1/models"))
        assert client.read_response().status == 200
        for _ in range(ROUNDS if cut == 0 else 1):
            client.send(request[:cut])
            with stopped(gateway):
                client.send(request[cut:])
            assert client.read_response().status == 200
