"""How long an upstream may take: for all, for a route, and as of the configuration that a request began with."""

import threading
from typing import Any

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Config, Gateway
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import OK, Peer, Received, Upstream
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}


class Waiting:
    """Answers a request once it is told to, by its path."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, peer: Peer, request: Received) -> None:
        """Answer one request."""
        if b"/at-once" not in request.line:
            self.go_on.wait(DEADLINE)
        peer.send(OK)


@pytest.fixture
def waiting(upstream: Upstream) -> Waiting:
    """What the upstream does."""
    waiting = upstream.handler = Waiting()
    return waiting


def config(upstream: Upstream, *, own: dict[str, Any] | None = None, **upstreams: float) -> Config:
    """Two routes to one upstream and a fallback to it; `own` is of the second and of the fallback."""
    second = {"name": "second", "upstream": upstream.url, **(own or {})}
    fallback = {"upstream": upstream.url, **(own or {})}
    return {
        "routes": [{"name": "plain", "upstream": upstream.url}, second],
        "fallback": fallback,
        "upstreams": upstreams,
    }


def begin(gateway: Gateway, route: str) -> Client:
    """A client that has sent a request."""
    client = Client(gateway.port)
    client.send(compose("GET", "/", {"X-AIMux-Route": route}))
    return client


@pytest.mark.fault
@pytest.mark.parametrize("route", ["second", "fallback"])
def test_a_route_has_a_timeout_of_its_own(start: Start, upstream: Upstream, waiting: Waiting, route: str) -> None:
    gateway = start(config(upstream, own={"response_timeout": 0.3}))
    with under_load(gateway.port), begin(gateway, "plain") as patient:
        assert ask(gateway.port, headers={"X-AIMux-Route": route}).status == 504
        waiting.go_on.set()
        assert patient.read_response().status == 200


def test_a_route_may_wait_longer_than_others(start: Start, upstream: Upstream, waiting: Waiting) -> None:
    gateway = start(config(upstream, own={"response_timeout": 60}, response_timeout=0.3))
    with begin(gateway, "second") as patient:
        assert ask(gateway.port, headers=PLAIN).status == 504
        waiting.go_on.set()
        assert patient.read_response().status == 200


@pytest.mark.fault
def test_a_reload_changes_the_timeout_of_the_next_request(start: Start, upstream: Upstream, waiting: Waiting) -> None:
    gateway = start(config(upstream))
    assert ask(gateway.port, target="/at-once", headers=PLAIN).status == 200  # the kept connection outlives the reload
    with under_load(gateway.port), begin(gateway, "plain") as earlier:
        upstream.wait_requests(2)
        assert gateway.reload(config(upstream, response_timeout=0.3))["event"] == "reloaded"
        assert ask(gateway.port, headers=PLAIN).status == 504
        waiting.go_on.set()
        assert earlier.read_response().status == 200


def test_a_reload_changes_how_long_a_response_may_pause(start: Start, upstream: Upstream) -> None:
    upstream.handler = lambda peer, _: peer.send(OK[:-1])
    gateway = start(config(upstream))
    with begin(gateway, "plain") as earlier:
        earlier.read_head()
        assert gateway.reload(config(upstream, idle_timeout=0.3))["event"] == "reloaded"
        with begin(gateway, "plain") as later:
            later.read_head()
            assert later.ending()[0] == b"o"
        upstream.peers[0].send(b"k")
        assert earlier.read_exactly(2) == b"ok"


def test_each_piece_of_a_body_begins_the_timeout_anew(start: Start, upstream: Upstream) -> None:
    gateway = start(config(upstream, response_timeout=1.0))
    headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": "8"}
    with Client(gateway.port) as client:
        client.send(compose("POST", "/", headers))
        for number in range(8):
            client.send(b"x")
            upstream.wait_recorded(b"\r\n\r\n" + b"x" * (number + 1))
            threading.Event().wait(0.2)
        assert client.read_response().status == 200


def test_a_reload_with_a_shorter_timeout_has_deadlines_looked_at_more_often(
    start: Start, upstream: Upstream, waiting: Waiting
) -> None:
    gateway = start(config(upstream))  # its shortest timeout has it look once a second
    shorter = config(upstream, own={"response_timeout": 0.05}, response_timeout=3.0)
    assert gateway.reload(shorter)["event"] == "reloaded"
    timed_out = 0
    with begin(gateway, "plain") as patient:
        while patient.quiet():
            timed_out += ask(gateway.port, headers={"X-AIMux-Route": "second"}).status == 504
        assert patient.read_response().status == 504
    assert timed_out >= 8
    waiting.go_on.set()
