"""Many requests at the same time: each gets its own answer, and none waits for another's text."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE

PARALLEL = 200
AGENTS = [f"agent-{number}" for number in range(20)]
TOPICS = {
    "finance": ("analyze the budget", "forecast the revenue"),
    "weather": ("will it rain tomorrow", "the weather at the weekend"),
    "cooking": ("a recipe for bread", "how to bake a cake"),
    "travel": ("book a flight", "find a hotel room"),
}


def echo(peer: Peer, request: Received) -> None:
    """Answers with what the upstream has heard."""
    heard = {
        "line": request.line.decode(),
        "agent": (request.header("X-AIMux-Agent") or b"").decode(),
        "route": (request.header("X-AIMux-Route") or b"").decode(),
        "id": (request.header("X-Request-ID") or b"").decode(),
        "body": request.body.decode(),
    }
    body = json.dumps(heard).encode()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture(scope="module")
def _busy(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    routes = [{"name": topic, "upstream": upstream.url, "intents": list(texts)} for topic, texts in TOPICS.items()]
    plain = {"name": "plain", "upstream": upstream.url}
    engine = {"ambiguity_threshold": 0.0, "min_score": 0.1}
    return start_once({"agents": AGENTS, "semantic_engine": engine, "routes": [*routes, plain]}), upstream


@pytest.fixture
def busy(_busy: tuple[Gateway, Upstream]) -> Iterator[tuple[Gateway, Upstream]]:
    """A gateway with several topics, and the upstream of all of them."""
    yield _busy
    _busy[1].forget()


def test_every_one_of_many_answers_belongs_to_its_own_request(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    everybody = threading.Barrier(PARALLEL, timeout=DEADLINE)

    def together(peer: Peer, request: Received) -> None:
        everybody.wait()
        echo(peer, request)

    upstream.handler = together
    expected = {}
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(gateway.port)) for _ in range(PARALLEL)]
        for number, client in enumerate(clients):
            topic = list(TOPICS)[number % len(TOPICS)]
            agent = AGENTS[number % len(AGENTS)]
            body = json.dumps({"query": f"{TOPICS[topic][number % 2]}, number {number}", "agent": agent})
            headers = {"Content-Type": "application/json", "X-Number": str(number)}
            client.send(compose("POST", f"/{number}", headers, body.encode()))
            expected[number] = (f"POST /{number} HTTP/1.1", agent, topic, body)
        ids = set()
        for number, client in enumerate(clients):
            response = client.read_response()
            heard = json.loads(response.body)
            assert (heard["line"], heard["agent"], heard["route"], heard["body"]) == expected[number]
            assert response.all("X-Request-ID") == [heard["id"].encode()]
            assert response.all("X-AIMux-Route") == [heard["route"].encode()]
            ids.add(heard["id"])
    assert len(ids) == PARALLEL


def test_connections_that_were_used_together_are_used_again_without_a_mix_up(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    upstream.handler = echo
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(gateway.port)) for _ in range(20)]
        for turn in range(10):
            for number, client in enumerate(clients):
                client.send(compose("POST", f"/{turn}/{number}", {"X-AIMux-Route": "plain"}, b"%d" % number))
            for number, client in reversed(list(enumerate(clients))):
                heard = json.loads(client.read_response().body)
                assert (heard["line"], heard["body"]) == (f"POST /{turn}/{number} HTTP/1.1", str(number))
    assert len(upstream.peers) <= 20


def _slow_text(name: str) -> bytes:
    """Nearly 8,000 tokens, which the model reads for seconds. `name` makes it a text that it has not read before."""
    return f"{name}: {'analyze the budget and forecast the revenue. ' * 850}".encode()


def _begin_scoring(gateway: Gateway, name: str) -> Client:
    """A client whose text the model has begun to read."""
    client = Client(gateway.port)
    client.send(compose("POST", "/slow", {"Content-Type": "text/plain"}, _slow_text(name)))
    with Client(gateway.port) as other:
        other.send(compose("GET", "/healthz"))
        other.read_response()
    return client


def test_requests_that_need_no_model_flow_while_a_long_text_is_read(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    tick = threading.Semaphore(0)

    def stream(peer: Peer, request: Received) -> None:
        if b"/events" not in request.line:
            return echo(peer, request)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(25):
            assert tick.acquire(timeout=DEADLINE)
            peer.send(b"4\r\ntick\r\n")
        peer.send(b"0\r\n\r\n")
        return None

    upstream.handler = stream
    with Client(gateway.port) as events:
        events.send(compose("GET", "/events", {"X-AIMux-Route": "plain"}))
        events.read_head()
        with _begin_scoring(gateway, "ticks") as slow:
            for number in range(25):
                tick.release()
                assert events.read_chunk() == b"tick"
                heard = json.loads(ask(gateway.port, "GET", f"/{number}", {"X-AIMux-Route": "plain"}).body)
                assert heard["line"] == f"GET /{number} HTTP/1.1"
            assert slow.quiet(), "the long text was read before: it delayed the others"
            assert events.read_chunk() == b""
            assert slow.read_response().status == 200


def test_short_texts_are_read_while_a_long_one_is(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    upstream.handler = echo
    with _begin_scoring(gateway, "short") as slow:
        for number in range(5):
            heard = json.loads(ask(gateway.port, "GET", f"/?q=book+a+flight+number+{number}").body)
            assert heard["route"] == "travel"
        assert slow.quiet(), "the long text was read first"
        assert slow.read_response().status == 200


def test_long_texts_of_two_callers_do_not_lose_each_other(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    upstream.handler = echo
    with _begin_scoring(gateway, "first") as first, _begin_scoring(gateway, "second") as second:
        for client, name in ((first, "first"), (second, "second")):
            heard = json.loads(client.read_response().body)
            assert heard["body"].startswith(name)


def test_the_texts_of_callers_who_have_left_are_not_read(busy: tuple[Gateway, Upstream]) -> None:
    gateway, upstream = busy
    upstream.handler = echo
    before = gateway.cpu_seconds()
    with _begin_scoring(gateway, "stayer") as stayer:
        assert stayer.read_response().status == 200
    cost = gateway.cpu_seconds() - before
    before = gateway.cpu_seconds()
    for number in range(10):
        _begin_scoring(gateway, f"leaver{number}").close()
    # The model reads texts in turns, so that one more long text takes the time of all that are still being read.
    with _begin_scoring(gateway, "last") as last:
        assert last.read_response().status == 200
    assert gateway.cpu_seconds() - before < 5 * cost
