"""One line a request, each a JSON object of its own, whatever a caller sends."""

import json
import re

import pytest
from e2e_support.client import Client, answers, ask, compose
from e2e_support.gateway import Gateway, Line
from e2e_support.mesh import Mesh, Start
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}
FIELDS = {"timestamp", "level", "event", "request_id", "agent", "route", "verdict", "status", "ms", "method", "path"}


def line_of(gateway: Gateway, *arguments: object, **options: object) -> Line:
    """The log line of a request."""
    response = ask(gateway.port, *arguments, **options)  # type: ignore[arg-type]
    return gateway.request_line(response.header("X-Request-ID"))


def test_a_line_tells_who_asked_what_and_what_came_of_it(mesh: Mesh) -> None:
    line = line_of(mesh.gateway, "POST", "/v1/x?secret=1", {**PLAIN, "X-Source-Agent": "finance-bot"}, b"body")
    assert set(line) == FIELDS
    assert (line["level"], line["event"], line["agent"], line["route"]) == ("info", "request", "finance-bot", "plain")
    assert (line["verdict"], line["status"], line["method"], line["path"]) == ("forward", 200, "POST", "/v1/x")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
    assert isinstance(line["ms"], float)


def test_every_request_has_exactly_one_line(mesh: Mesh) -> None:
    before = len(mesh.gateway.lines)
    several: list[dict[str, str]] = [PLAIN, {"X-Source-Agent": "stranger"}, {"X-AIMux-Route": "dead"}, {}]
    ids = [(ask(mesh.port, headers=headers).header("X-Request-ID") or b"").decode() for headers in several]
    with Client(mesh.port) as client:
        client.send(b"junk\r\n\r\n")
        ids.append((client.read_response().header("X-Request-ID") or b"").decode())
    for request_id in ids:
        mesh.gateway.request_line(request_id)
    lines = [line for line in mesh.gateway.lines[before:] if line["event"] == "request"]
    assert [line["request_id"] for line in lines] == ids


def test_reading_the_management_pages_leaves_no_line(mesh: Mesh) -> None:
    before = len(mesh.gateway.lines)
    for path in ("/healthz", "/readyz", "/metrics", "/routes"):
        assert ask(mesh.port, target=path).status == 200
    last = line_of(mesh.gateway, headers=PLAIN)
    assert [line for line in mesh.gateway.lines[before:] if line["event"] != "routes"] == [last]


def test_being_refused_a_management_page_leaves_one(mesh: Mesh) -> None:
    before = len(mesh.gateway.lines)
    ask(mesh.port, target="/config", host="evil.example")
    line = mesh.gateway.wait_line(lambda line: line["event"] == "management", "the refusal's line", after=before)
    assert (line["level"], line["verdict"], line["path"]) == ("warning", "management_forbidden", "/config")


def test_conflicting_claims_are_told(mesh: Mesh) -> None:
    headers = {**PLAIN, "X-Source-Agent": "admin-bot", "X-Client-ID": "finance-bot"}
    line = line_of(mesh.gateway, "GET", "/?agent=finance-bot", headers)
    assert line["agent"] == "finance-bot"
    assert line["conflicting_claims"] == ["header:x-source-agent"]


HOSTILE = [
    ("GET", '/%0d%0a{"event":"fake"}', {}),
    ("GET", '/"},{"event":"fake","x":"', {}),
    ("GET", "/%1b[2J%1b]0;owned%07", {}),
    ("GET", "/\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", {}),
    ("GET", "/%E2%80%A8", {}),
    ("GET", "/?agent=x%0d%0a%7B%22event%22:%22fake%22%7D", {}),
    ("GET", "/?agent=%1b[31m%E2%80%A8", {}),
    ("GET", "/", {"X-Source-Agent": '"},"event":"fake'}),
    ("GET", "/", {"X-Source-Agent": "\xe2\x80\xa8\x9b31m"}),
    ("GET", "/", {"X-AIMux-Route": '"}\\n{"event":"fake"}'}),
    ("FAKE-METHOD", "/", {}),
    ("GET", "/" + "x" * 5000, {}),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_breaks_out_of_its_line(mesh: Mesh, hostile: tuple[str, str, dict[str, str]]) -> None:
    method, target, headers = hostile
    before = len(mesh.gateway.raw_lines)
    with Client(mesh.port) as client:
        client.send(compose(method, target, {**PLAIN, **headers}))
        response = client.read_response()
    line = mesh.gateway.request_line(response.header("X-Request-ID"))
    # What the start finds out about the routes comes whenever it is found.
    raw = [each for each in mesh.gateway.raw_lines[before:] if json.loads(each)["event"] != "routes"]
    assert len(raw) == 1
    assert raw[0].isascii()
    assert raw[0][:-1].isprintable()
    assert json.loads(raw[0]) == line
    assert set(line) == FIELDS
    assert line["event"] == "request"
    assert len(raw[0]) < 2000


def test_debug_adds_scores_and_timings(mesh: Mesh, start: Start) -> None:
    intents = [["analyze the budget", "forecast revenue"], ["will it rain tomorrow"]]
    routes = [
        {"name": name, "upstream": mesh.plain.url, "intents": texts}
        for name, texts in zip(("finance", "weather"), intents, strict=True)
    ]
    gateway = start({"logging": {"level": "debug"}, "agents": ["one"], "routes": routes})
    target = "/?q=analyze+the+budget+please"
    line = line_of(gateway, "GET", target, {"X-Source-Agent": "one"})
    assert set(line["scores"]) == {"finance", "weather"}
    assert line["scores"]["finance"] > line["scores"]["weather"]
    assert line["margin"] == pytest.approx(line["scores"]["finance"] - line["scores"]["weather"], abs=2e-4)
    for step in ("decided_ms", "model_ms", "upstream_ms"):
        assert line[step] > 0, step
    assert line["decided_ms"] <= line["ms"]
    assert (line["peer"], line["identity"], line["cached"]) == ("127.0.0.1", "claimed", False)
    assert "open" in line["rule"]
    again = line_of(gateway, "GET", target, {"X-Source-Agent": "one"})
    assert (again["cached"], again["model_ms"], again["scores"]) == (True, None, line["scores"])
    refused = line_of(gateway, "GET", target, {"X-Source-Agent": "stranger"})
    assert (refused["scores"], refused["model_ms"], refused["upstream_ms"]) == ({}, None, None)


def test_a_higher_level_leaves_the_requests_out(mesh: Mesh, start: Start, free_port: int) -> None:
    config = {"server": {"port": free_port}, "logging": {"level": "warn"}}
    gateway = start({**config, "routes": [{"name": "plain", "upstream": mesh.plain.url}]}, listening=False)
    gateway.port = free_port
    until(lambda: answers(free_port), "an answer")
    until(lambda: ask(free_port, headers=PLAIN).status == 200, "it to serve")
    assert ask(free_port, target="/config", host="evil.example").status == 403
    gateway.wait_event("management")
    assert [line["event"] for line in gateway.lines] == ["management"]


def test_without_the_time(mesh: Mesh, start: Start) -> None:
    routes = [{"name": "plain", "upstream": mesh.plain.url}]
    gateway = start({"logging": {"timestamp": False}, "routes": routes})
    assert set(line_of(gateway, headers=PLAIN)) == FIELDS - {"timestamp"}
    until(lambda: gateway.lines, "lines")
    assert all("timestamp" not in line for line in gateway.lines)
