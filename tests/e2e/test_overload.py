"""More texts than the model can read: what cannot be served in time is refused before it costs much."""

import json
from contextlib import ExitStack

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream

AT_ONCE = 60
WAITING = 4


@pytest.fixture
def crowded(start: Start, upstream: Upstream) -> Gateway:
    """A gateway in which few texts may wait for the model."""
    routes = [
        {"name": "weather", "upstream": upstream.url, "intents": ["will it rain tomorrow", "how warm is it outside"]},
        {"name": "plain", "upstream": upstream.url},
    ]
    engine = {"max_waiting": WAITING, "min_score": 0}
    return start({"semantic_engine": engine, "routes": routes})


def long_text(number: int) -> bytes:
    """A request whose text takes the model a while, and which it has not seen before."""
    text = f"{number} " + "will it rain tomorrow in the mountains and by the sea " * 60
    return compose("POST", "/", {"Content-Type": "text/plain"}, text.encode())


def test_what_cannot_wait_is_refused_at_once_and_nothing_else_suffers(crowded: Gateway, upstream: Upstream) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(crowded.port)) for _ in range(AT_ONCE)]
        for number, client in enumerate(clients):
            client.send(long_text(number))
        assert ask(crowded.port, target="/healthz").status == 200
        assert ask(crowded.port, target="/readyz").status == 200
        assert crowded.metric("aimux_ready") == 1
        assert ask(crowded.port, headers={"X-AIMux-Route": "plain"}).status == 200
        answers = [client.read_response() for client in clients]
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(served) >= WAITING
    assert len(refused) >= AT_ONCE // 2
    for answer in refused:
        check_overloaded(answer)
    crowded.wait_served()
    assert crowded.metric("aimux_score_cache_misses_total") == len(served), "a refused text was embedded"
    assert len(upstream.requests) == len(served) + 1
    assert ask(crowded.port, target="/?q=will+it+rain").status == 200


def check_overloaded(answer: Response) -> None:
    """Check that an answer says when to come back."""
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["type"]) == (503, "overloaded", "unavailable")
    assert int(answer.header("Retry-After") or 0) > 0
    assert answer.header("Connection") is None, "a kept connection is no part of the load"


def test_a_text_that_waited_too_long_is_refused_before_it_is_read(start: Start, upstream: Upstream) -> None:
    route = {"name": "weather", "upstream": upstream.url, "intents": ["will it rain tomorrow"]}
    engine = {"max_wait": 0.02, "min_score": 0}
    gateway = start({"semantic_engine": engine, "routes": [route]})
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(gateway.port)) for _ in range(AT_ONCE)]
        for number, client in enumerate(clients):
            client.send(long_text(number))
        answers = [client.read_response() for client in clients]
    late = [answer for answer in answers if answer.status != 200]
    assert late
    for answer in late:
        check_overloaded(answer)
    gateway.wait_served()
    assert gateway.metric("aimux_score_cache_misses_total") == len(upstream.requests) == AT_ONCE - len(late)
