"""The metrics tell what happened, and callers cannot make them grow."""

import re
from collections.abc import Iterator

from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import Mesh, Start

PLAIN = {"X-AIMux-Route": "plain"}


def series(gateway: Gateway) -> set[str]:
    """All series that /metrics holds, without their values."""
    return {line.rsplit(" ", 1)[0] for line in gateway.metrics().splitlines() if not line.startswith("#")}


def counts(gateway: Gateway) -> dict[tuple[str, str, str], float]:
    """The counted requests by route, agent and verdict."""
    pattern = r"^aimux_requests_total\{(.*)\} (\S+)$"

    def parsed() -> Iterator[tuple[tuple[str, str, str], float]]:
        for labels, value in re.findall(pattern, gateway.metrics(), re.MULTILINE):
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            yield (pairs["route"], pairs["agent"], pairs["verdict"]), float(value)

    return dict(parsed())


def test_requests_are_counted_by_route_agent_and_verdict(mesh: Mesh) -> None:
    before = counts(mesh.gateway)
    ask(mesh.port, headers=PLAIN)
    ask(mesh.port, headers={**PLAIN, "X-Source-Agent": "finance-bot"})
    ask(mesh.port, headers={"X-AIMux-Route": "vault", "X-Source-Agent": "finance-bot"})
    ask(mesh.port, headers={"X-AIMux-Route": "dead"})
    ask(mesh.port, headers={"X-Source-Agent": "stranger"})
    ask(mesh.port)
    mesh.gateway.wait_served()
    after = counts(mesh.gateway)
    grown = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert grown == {
        ("plain", "(anonymous)", "forward"): 1,
        ("plain", "finance-bot", "forward"): 1,
        ("vault", "finance-bot", "route_forbidden"): 1,
        ("dead", "(anonymous)", "upstream_unreachable"): 1,
        ("(none)", "(unidentified)", "unknown_agent"): 1,
        ("(none)", "(anonymous)", "no_text"): 1,
    }


def test_the_cache_and_the_model_are_counted(mesh: Mesh) -> None:
    names = ("aimux_score_cache_hits_total", "aimux_score_cache_misses_total", "aimux_model_duration_seconds_count")
    before = [mesh.gateway.metric(name) for name in names]
    for _ in range(3):
        assert ask(mesh.port, "GET", "/?q=will+it+rain+in+the+metrics").status in {200, 404}
    mesh.gateway.wait_served()
    assert [mesh.gateway.metric(name) - old for name, old in zip(names, before, strict=True)] == [2, 1, 1]


def test_a_request_is_in_flight_until_its_last_byte(mesh: Mesh) -> None:
    mesh.plain.handler = lambda peer, _: peer.wait_closed()
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN))
        mesh.plain.wait_requests(1)
        assert mesh.gateway.metric("aimux_requests_in_flight") == 1
    mesh.gateway.wait_served()


def test_callers_cannot_make_the_metrics_grow(mesh: Mesh, start: Start) -> None:
    gateway = start({"agents": ["one"], "routes": [{"name": "plain", "upstream": mesh.plain.url}]})
    with Client(gateway.port) as client:
        for target, headers, status in _hostile(1):
            client.send(compose("GET", target, headers))
            assert client.read_response().status == status
        before = series(gateway)
        memory = gateway.resident_kib()
        for target, headers, status in _hostile(2000):
            client.send(compose("GET", target, headers))
            assert client.read_response().status == status
    assert series(gateway) == before
    assert gateway.resident_kib() - memory < 8 * 1024


def _hostile(count: int) -> Iterator[tuple[str, dict[str, str], int]]:
    for number in range(count):
        yield f"/path-{number}?q=text-{number}", {"X-Source-Agent": f"stranger-{number}"}, 401
        if number % 10 == 0:
            yield f"/path-{number}", {"X-AIMux-Route": f"route-{number}"}, 404
            yield f"/{number}", {"X-Source-Agent": "one", "X-AIMux-Route": "plain", f"X-{number}": "1"}, 200
