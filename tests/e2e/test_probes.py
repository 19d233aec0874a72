"""What a kubelet and a load balancer ask: `/livez` and `/readyz`, from anywhere, in every state of the gateway."""

import json

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import Start
from e2e_support.upstream import Slow, Upstream
from e2e_support.waiting import until

TOKEN = "correct-horse-battery-staple"
STRANGER = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "kube-probe/1.31"}
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
WORKERS = pytest.mark.parametrize("workers", [1, 2])


def probe(gateway: Gateway, path: str, headers: dict[str, str] = STRANGER, method: str = "GET") -> Response:
    """Ask as somebody on another machine would."""
    return ask(gateway.port, method, path, headers, host="10.1.2.3:8080")


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def loading(start: Start, request: pytest.FixtureRequest) -> Gateway:
    """A gateway that is still embedding its intents."""
    words = ["alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu"] * 2
    intents = [f"{' '.join(words)} {number}" for number in range(250)]
    routes = [{"name": "slow", "upstream": "http://127.0.0.1:9", "intents": intents}]
    server = {"workers": request.param, "admin_token": TOKEN}
    return start({"server": server, "routes": routes}, ready=False)


def test_a_gateway_that_starts_lives_and_is_not_ready(loading: Gateway) -> None:
    ready = probe(loading, "/readyz")
    assert (ready.status, json.loads(ready.body)) == (503, {"status": "not_ready"})
    assert probe(loading, "/livez").status == probe(loading, "/healthz").status == 200
    assert probe(loading, "/readyz", method="HEAD").status == 503
    told = json.loads(probe(loading, "/readyz", OPERATOR).body)
    assert told["status"] == "not_ready"
    assert "starting" in told["detail"]
    loading.wait_ready()
    until(lambda: probe(loading, "/readyz").status == 200, "it to be ready")
    assert json.loads(probe(loading, "/readyz").body) == {"status": "ready"}


@WORKERS
def test_a_gateway_that_drains_lives_and_is_not_ready(start: Start, upstream: Upstream, workers: int) -> None:
    slow = Slow(upstream)
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"workers": workers, "admin_token": TOKEN}, "routes": routes})
    clients = [Client(gateway.port) for _ in range(16)]  # every worker has some: one without ends at once
    for running in clients:
        running.send(compose("GET", "/", {"X-AIMux-Route": "plain"}))
    for running in clients:
        running.read_until(b"before")
    with Client(gateway.port) as kept:
        kept.send(compose("GET", "/readyz", STRANGER, host="10.1.2.3"))
        assert kept.read_response().status == 200
        gateway.signal()
        gateway.wait_event("draining")
        kept.send(compose("GET", "/readyz", STRANGER, host="10.1.2.3"))
        answer = kept.read_response()
        assert (answer.status, json.loads(answer.body)) == (503, {"status": "draining"})
        assert answer.header("Connection") == b"close"
        assert kept.closed()
    assert "shutting down" in json.loads(probe(gateway, "/readyz", OPERATOR).body)["detail"]
    assert probe(gateway, "/livez").status == 200
    slow.go_on.set()
    for running in clients:
        assert running.read_exactly(6) == b"+after"
        running.close()
    assert gateway.exited() == 0


def test_a_wrong_token_is_told_no_more_than_a_stranger(loading: Gateway) -> None:
    answer = probe(loading, "/readyz", {"Authorization": "Bearer wrong-horse-battery-staple"})
    assert (answer.status, json.loads(answer.body)) == (503, {"status": "not_ready"})


def test_a_route_of_an_upstream_at_such_a_path_is_never_reached(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    for path in ("/livez", "/readyz", "/livez?x"):
        assert ask(gateway.port, target=path, headers={"X-AIMux-Route": "plain"}).status == 200
    assert upstream.requests == []
