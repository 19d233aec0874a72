"""SIGHUP: the configuration file is taken over whole or not at all, and no request notices the change."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import MODEL, Config, Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream, answering
from e2e_support.waiting import DEADLINE, until

RAIN, USERS = ["will it rain tomorrow"], ["delete all users"]
Refresh = Callable[..., Config]


@pytest.fixture(params=[1, 2], ids=["alone", "two-workers"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many processes serve."""
    found: int = request.param
    return found


@pytest.fixture
def config(upstream: Upstream, workers: int) -> Refresh:
    """A configuration with one route, and whatever else is said."""

    def make(server: Config | None = None, **changes: Any) -> Config:
        route = {"name": "main", "upstream": upstream.url, "intents": RAIN, **changes.pop("route", {})}
        return {
            "server": {"workers": workers, **(server or {})},
            "agents": ["alice", "bob"],
            "routes": [route, *changes.pop("routes", [])],
            **changes,
        }

    return make


def verdict(gateway: Gateway, text: str = "will+it+rain+tomorrow", agent: str = "alice") -> tuple[int, str]:
    """Status and route of a request, or its code."""
    response = ask(gateway.port, target=f"/?client_id={agent}&q={text}")
    if response.status == 200:
        return 200, (response.header("X-AIMux-Route") or b"").decode()
    return response.status, json.loads(response.body)["error"]["code"]


def in_force(gateway: Gateway) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ask(gateway.port, target="/config").body)
    return document


def everywhere(gateway: Gateway, workers: int, text: str = "will+it+rain+tomorrow", agent: str = "alice") -> Any:
    """What several requests come to, on connections of their own; AssertionError where they differ."""
    found = {verdict(gateway, text, agent) for _ in range(6 * workers)}
    assert len(found) == 1
    return found.pop()


def test_access_is_taken_over_and_told(start: Start, config: Refresh, workers: int) -> None:
    gateway = start(config(route={"allowed": ["alice"]}))
    first = in_force(gateway)
    assert everywhere(gateway, workers) == (200, "main")
    assert gateway.reload(config(route={"allowed": ["bob"]}))["event"] == "reloaded"
    assert everywhere(gateway, workers) == (403, "route_forbidden")
    assert everywhere(gateway, workers, agent="bob") == (200, "main")
    second = in_force(gateway)
    assert second["digest"] != first["digest"]
    assert second["config"]["routes"][0]["allowed"] == ["bob"]
    assert second["last_reload"]["successful"]
    assert second["last_reload"]["problems"] == []
    assert f'aimux_config_info{{digest="{second["digest"][:12]}"}} 1.0' in gateway.metrics()
    assert gateway.metric('aimux_config_reloads_total{outcome="success"}') == 1
    assert gateway.metric("aimux_config_last_reload_successful") == 1


def test_a_remembered_text_is_scored_by_the_new_intents(start: Start, config: Refresh, workers: int) -> None:
    more = {"name": "more", "upstream": "http://127.0.0.1:1"}
    gateway = start(config(routes=[{**more, "intents": USERS}]))
    assert everywhere(gateway, workers) == (200, "main")
    gateway.reload(config(route={"intents": USERS}, routes=[{**more, "intents": RAIN}]))
    assert everywhere(gateway, workers) == (502, "upstream_unreachable")
    assert everywhere(gateway, workers, "delete+all+users") == (200, "main")


def test_the_model_is_loaded_with_the_first_intents(start: Start, upstream: Upstream) -> None:
    def loaded() -> bool:
        return "onnxruntime" in Path(f"/proc/{gateway.pid}/maps").read_text()

    by_name = {"name": "main", "upstream": upstream.url}
    gateway = start({"agents": ["alice"], "routes": [by_name]})
    assert ask(gateway.port, headers={"X-AIMux-Route": "main"}).status == 200
    assert json.loads(ask(gateway.port, target="/dashboard/api/overlaps").body)["pairs"] == []
    assert verdict(gateway) == (404, "no_route")
    assert not loaded()
    assert gateway.reload({"agents": ["alice"], "routes": [{**by_name, "intents": RAIN}]})["event"] == "reloaded"
    assert verdict(gateway) == (200, "main")
    assert loaded()


def test_new_agents_routes_and_fallback(start: Start, config: Refresh, workers: int, new_upstream: NewUpstream) -> None:
    gateway = start(config())
    assert everywhere(gateway, workers, "delete+all+users") == (404, "no_route")
    assert everywhere(gateway, workers, agent="carol") == (401, "unknown_agent")
    other = new_upstream()
    other.handler = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
    gateway.reload(config(agents=["alice", "carol"], fallback={"upstream": other.url}))
    assert everywhere(gateway, workers, "delete+all+users", "carol") == (200, "fallback")
    assert everywhere(gateway, workers, agent="bob") == (401, "unknown_agent")


def test_a_request_keeps_its_configuration_to_its_last_byte(start: Start, config: Refresh, upstream: Upstream) -> None:
    go_on = threading.Event()

    def slow(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbefore")
        go_on.wait(DEADLINE)
        peer.send(b"+after")

    upstream.handler = slow
    gateway = start(config())
    with Client(gateway.port) as client:
        client.send(compose("GET", "/", {"X-AIMux-Route": "main"}))
        client.read_until(b"before")
        without = {"name": "other", "upstream": "http://127.0.0.1:1"}
        assert gateway.reload({**config(), "routes": [without]})["event"] == "reloaded"
        client_of_new = ask(gateway.port, headers={"X-AIMux-Route": "main"})
        assert client_of_new.status == 404
        go_on.set()
        assert client.read_exactly(6) == b"+after"
        client.send(compose("GET", "/", {"X-AIMux-Route": "main"}))
        assert client.read_response().status == 404
    until(lambda: not upstream.peers[0].open, "the connections of the route that is gone are closed")


BROKEN = {
    "no YAML": ("routes: [", "reload"),
    "an unknown key": ("nonsense: 1\nroutes: []\n", "nonsense"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_changes_nothing_and_says_why(start: Start, config: Refresh, workers: int, kind: str) -> None:
    gateway = start(config())
    before = in_force(gateway)
    told = gateway.reload(BROKEN[kind][0])
    assert (told["event"], told["level"]) == ("reload", "error")
    assert str(gateway.config) in told["problem"]
    after = in_force(gateway)
    assert {**after, "last_reload": None} == before
    assert not after["last_reload"]["successful"]
    assert told["problem"] in after["last_reload"]["problems"]
    assert gateway.metric('aimux_config_reloads_total{outcome="failure"}') == 1
    assert gateway.metric("aimux_config_last_reload_successful") == 0
    assert everywhere(gateway, workers) == (200, "main")
    assert gateway.reload(config(agents=["alice"]))["event"] == "reloaded"
    assert gateway.metric("aimux_config_last_reload_successful") == 1


def test_what_is_read_at_the_start_only_is_named(start: Start, config: Refresh, workers: int) -> None:
    gateway = start(config())
    changed = config({"max_headers": 50}, logging={"timestamp": False}, upstreams={"max_headers": 50}, agents=["alice"])
    gateway.reload(changed)
    problems = in_force(gateway)["last_reload"]["problems"]
    assert [problem.split(":")[0] for problem in problems] == [
        "server.max_headers",
        "logging.timestamp",
        "upstreams.max_headers",
    ]
    assert everywhere(gateway, workers, agent="bob") == (200, "main"), "nothing of the file was taken over"


def test_a_model_that_is_missing_changes_nothing(start: Start, config: Refresh, workers: int) -> None:
    gateway = start(config())
    changed = config(route={"allowed": []})
    told = gateway.reload({**changed, "semantic_engine": {"model_path": "nowhere.onnx"}})
    assert told["event"] == "reload"
    assert "nowhere.onnx is missing" in told["problem"]
    assert everywhere(gateway, workers) == (200, "main")
    assert everywhere(gateway, workers, "rain+or+no+rain+tomorrow") == (200, "main"), "the model in force still reads"


def test_a_model_without_its_tokenizer_changes_nothing(
    start: Start, config: Refresh, workers: int, tmp_path: Path
) -> None:
    gateway = start(config())
    alone = tmp_path / "alone" / MODEL.name
    alone.parent.mkdir()
    alone.symlink_to(MODEL)
    told = gateway.reload({**config(), "semantic_engine": {"model_path": str(alone)}})
    assert (told["event"], told["level"]) == ("reload", "error")
    assert "tokenizer.json" in told["problem"]
    assert everywhere(gateway, workers) == (200, "main")
    assert gateway.reload(config(route={"allowed": ["bob"]}))["event"] == "reloaded"
    assert everywhere(gateway, workers) == (403, "route_forbidden")


def test_the_order_to_stop_also_ends_a_start(start: Start, config: Refresh) -> None:
    gateway = start(config(), ready=False)
    gateway.signal()
    assert gateway.exited() == 0


def test_connections_to_an_upstream_that_stays_are_kept(start: Start, config: Refresh, upstream: Upstream) -> None:
    gateway = start({**config(), "server": {"workers": 1}})
    for allowed in (["alice"], ["alice", "bob"]):
        assert verdict(gateway) == (200, "main")
        gateway.reload({**config(route={"allowed": allowed}), "server": {"workers": 1}})
    assert verdict(gateway) == (200, "main")
    assert len(upstream.requests) == 3
    assert len(upstream.peers) == 1


def test_no_request_fails_while_it_reloads_again_and_again(start: Start, config: Refresh) -> None:
    gateway = start(config())
    over, found = threading.Event(), set[tuple[int, str]]()

    def call() -> None:
        number = 0
        while not over.is_set():
            number += 1
            found.add(verdict(gateway, f"will+it+rain+tomorrow+{number % 7}"))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for number in range(6):
        intents = RAIN if number % 2 else [*RAIN, f"rain number {number}"]
        assert gateway.reload(config(route={"intents": intents}))["event"] == "reloaded"
    over.set()
    for caller in callers:
        caller.join(DEADLINE)
    assert found == {(200, "main")}
