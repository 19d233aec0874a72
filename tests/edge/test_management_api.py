"""Schemathesis holds the running gateway against what `aimux openapi` says of its management endpoints."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import AIMUX, Gateway, write_config
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE
from edge_support.play import Arena
from jsonschema import Draft202012Validator

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
TOKEN = "correct-horse-battery-staple"
OPEN = {"/healthz", "/livez", "/readyz"}
PLAIN = {"/healthz", "/livez", "/readyz", "/metrics", "/routes", "/agents", "/config"}
# An endless answer has a test of its own: tests/e2e/test_audit.py.
STREAM = "/audit/stream"
SESSION = "/admin/session"
# Commands have tests of their own: tests/e2e/test_commands.py.
RELOAD = "/admin/reload"
AUDIT = {"/audit", "/audit/status", "/audit/stats", "/audit/export"}
PAGE = {"/dashboard/api/try", "/dashboard/api/overlaps"}
ENDPOINTS = PLAIN | AUDIT | PAGE
OTHER_METHODS = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
# Random ones, beside those that cover every parameter and method; `make long` wants more than a test run has time for.
EXAMPLES = int(os.environ.get("AIMUX_TEST_EXAMPLES", "1"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent, and what came back."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: str


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The description, as the command prints it."""
    done = subprocess.run([AIMUX, "openapi"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def description(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def exchanges(file: Path, port: int, folder: Path, token: str | None = None, *also: str) -> list[Exchange]:
    """Have Schemathesis try every operation, with every check that it knows; what was sent and what came."""
    options = [f"--exclude-path={STREAM}", f"--exclude-path={SESSION}", f"--exclude-path={RELOAD}"]
    options += ["--phases=examples,coverage,fuzzing", "--checks=all", "--continue-on-failure", "--no-color"]
    options += [
        "--generation-deterministic",
        f"--max-examples={EXAMPLES}",
        "--report=har",
        "--report-har-path=har.json",
    ]
    # Its own report is about to be read: nothing in it is secret.
    options += ["--output-sanitize=false", *(["--header", f"Authorization: Bearer {token}"] if token else []), *also]
    done = subprocess.run(
        [SCHEMATHESIS, "run", file, f"--url=http://127.0.0.1:{port}", *options],
        capture_output=True,
        text=True,
        timeout=60 + 10 * EXAMPLES,
        check=False,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads((folder / "har.json").read_text())["log"]["entries"]
    return [exchange_of(entry) for entry in entries]


def exchange_of(entry: Any) -> Exchange:
    request, response = entry["request"], entry["response"]
    path = "/" + request["url"].split("/", 3)[3].partition("?")[0]
    headers = {header["name"].lower(): header["value"] for header in response["headers"]}
    return Exchange(request["method"], path, response["status"], headers, response["content"].get("text", ""))


def statuses(found: list[Exchange]) -> dict[str, set[int]]:
    """What reading each endpoint came to."""
    read = [exchange for exchange in found if exchange.method in {"GET", "HEAD"}]
    assert {(exchange.method, exchange.path) for exchange in read} == {
        (method, path) for method in ("GET", "HEAD") for path in ENDPOINTS
    }
    found_there = {path: {exchange.status for exchange in read if exchange.path == path} for path in ENDPOINTS}
    # Parameters that make no sense are tried as well, and refused.
    return {
        path: status - {400} if path in AUDIT | PAGE and len(status) > 1 else status
        for path, status in found_there.items()
    }


def everywhere(status: int) -> dict[str, set[int]]:
    return {path: {status} for path in ENDPOINTS}


def check_refused_methods(found: list[Exchange], description: dict[str, Any]) -> None:
    """Every other method was tried on every endpoint, and refused in the one shape."""
    document = description["components"]["responses"]["MethodNotAllowed"]
    shape = {**document["content"]["application/json"]["schema"], "components": description["components"]}
    for path in ENDPOINTS:
        others = [each for each in found if each.path == path and each.method not in {"GET", "HEAD"}]
        assert {exchange.method for exchange in others} >= OTHER_METHODS
        for exchange in others:
            assert exchange.status == 405
            assert all(exchange.headers.get(name.lower()) for name in document["headers"]), exchange
            Draft202012Validator(shape).validate(json.loads(exchange.body))


def test_it_describes_every_endpoint_and_both_ways_to_read_it(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    assert description["paths"].keys() == ENDPOINTS | {STREAM, SESSION, RELOAD}
    paths = dict(description["paths"])
    assert paths.pop(RELOAD).keys() == {"post"}
    assert all(path.keys() == {"get", "head"} for path in paths.values())
    session = paths.pop(SESSION)
    assert all(each["responses"].keys() == {"200", "401", "403"} for each in session.values())
    for path, operations in paths.items():
        for operation in operations.values():
            guarded = path not in OPEN
            assert operation["security"] == ([{}, {"token": []}] if guarded else [])
            expected = {"200"} | ({"403"} if guarded else set())
            expected |= {"503"} if path in {"/readyz", "/metrics", "/config"} else set()
            expected |= {"400", "503"} if path in PAGE else set()
            expected |= {"400", "404", "503"} if path.startswith("/audit") else set()
            assert operation["responses"].keys() == expected
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize("token", [None, TOKEN], ids=["without a token", "with the token"])
def test_a_caller_that_is_let_in_gets_what_is_described(
    arena: Arena, file: Path, description: dict[str, Any], tmp_path: Path, token: str | None
) -> None:
    found = exchanges(file, arena.gateway.port, tmp_path, token)
    assert statuses(found) == everywhere(200)
    check_refused_methods(found, description)


def test_a_caller_with_a_wrong_token_gets_the_refusal_that_is_described(
    arena: Arena, file: Path, description: dict[str, Any], tmp_path: Path
) -> None:
    found = exchanges(file, arena.gateway.port, tmp_path, "wrong-horse-battery-staple")
    assert statuses(found) == everywhere(403) | {path: {200} for path in OPEN}
    check_refused_methods(found, description)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({}, 401),
        ({"Authorization": "Bearer wrong-horse-battery-staple"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}, 403),
    ],
)
def test_who_asks_is_answered_as_described(
    arena: Arena, description: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    found = ask(arena.gateway.port, target=SESSION, headers=headers)
    described = description["paths"][SESSION]["get"]["responses"][str(found.status)]
    assert found.status == status
    shape = described["content"]["application/json"]["schema"]
    Draft202012Validator({**shape, "components": description["components"]}).validate(json.loads(found.body))
    for name, header in described["headers"].items():
        Draft202012Validator(header["schema"]).validate((found.header(name) or b"").decode())


@pytest.fixture
def draining(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that was told to stop and waits for a request to finish; it has no fallback."""
    go_on = threading.Event()

    def answer(peer: Peer, _: Received) -> None:
        go_on.wait(DEADLINE)
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream = Upstream(handler=answer)
    config = {"routes": [{"name": "slow", "upstream": upstream.url, "intents": ["où est la bibliothèque"]}]}
    gateway = Gateway(write_config(tmp_path / "aimux.yaml", config))
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        with Client(gateway.port) as client:
            client.send(compose("GET", "/", {"X-AIMux-Route": "slow"}))
            upstream.wait_requests()
            gateway.signal()
            gateway.wait_event("draining")
            yield gateway
            go_on.set()
            assert client.read_response().status == 204
        assert gateway.exited() == 0
    finally:
        go_on.set()
        gateway.close()
        upstream.close()


def test_a_gateway_that_drains_still_answers_as_described(draining: Gateway, file: Path, tmp_path: Path) -> None:
    # One 503 is described, and that check would have none at all; others are still found as statuses not described.
    found = exchanges(file, draining.port, tmp_path, None, "--exclude-checks=not_a_server_error")
    assert statuses(found) == everywhere(200) | {"/readyz": {503}}
