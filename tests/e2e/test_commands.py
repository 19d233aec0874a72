"""Commands to a running gateway, with one worker and with two: what takes effect, what is refused, what is recorded."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import AIMUX, Config, Gateway, run_audit, write_config
from e2e_support.mesh import Start
from e2e_support.operators import OPERATOR, OPERATORS, VIEWER, ask_unix, bearer
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE, until

RELOAD = "/admin/reload"
JSON = {"Content-Type": "application/json"}


def config_of(upstream: Upstream, workers: int, **more: Any) -> Config:
    routes = [{"name": "plain", "upstream": upstream.url, "allowed": ["finance-bot"]}]
    return {"server": {"workers": workers}, "agents": ["finance-bot", "admin-bot"], "routes": routes, **more}


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def gateway(request: pytest.FixtureRequest, start: Start, upstream: Upstream) -> Gateway:
    """A gateway with a viewer and an operator."""
    return start(config_of(upstream, request.param, operators=OPERATORS))


def command(gateway: Gateway, headers: dict[str, str] | None = None, body: bytes = b"{}", **more: Any) -> Response:
    return ask(gateway.port, "POST", RELOAD, {**JSON, **(headers or {})}, body, **more)


def recorded(gateway: Gateway) -> list[dict[str, Any]]:
    """The commands in the audit log, the oldest first."""
    done = run_audit(gateway, "commands", "--json", "--path", str(gateway.audit))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_force(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(gateway.port, target="/config").body)
    return found


def aimux_reload(gateway: Gateway, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AIMUX, "reload", "--config", gateway.config, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_reload_prints_what_it_changed_and_is_recorded_first(gateway: Gateway, upstream: Upstream) -> None:
    before = in_force(gateway)["digest"]
    workers = in_force(gateway)["config"]["server"]["workers"]
    new = config_of(upstream, workers, operators=OPERATORS)
    new["routes"][0]["allowed"] = ["finance-bot", "admin-bot"]
    write_config(gateway.config, new)
    done = aimux_reload(gateway)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'routes.plain.allowed: ["finance-bot"] -> ["finance-bot", "admin-bot"]' in done.stdout
    now = in_force(gateway)
    assert now["digest"] != before
    assert {(each["worker"], each["config"]) for each in now["workers"]} == {
        (place, now["digest"]) for place in range(1, workers + 1)
    }
    as_admin = ask(gateway.port, headers={"X-AIMux-Route": "plain", "X-Source-Agent": "admin-bot"})
    assert as_admin.status == 200
    (given,) = recorded(gateway)
    uid = f"uid:{os.geteuid()}"
    assert (given["operator"], given["role"], given["proof"], given["peer"]) == (uid, "operator", "peer_uid", "unix")
    assert (given["command"], given["verdict"]) == ("reload", "accepted")
    assert (given["before"], given["after"]) == (before, now["digest"])
    chain = gateway.audit / f"chain-{given['chain']}"
    lines = [json.loads(line) for file in sorted(chain.glob("*[0-9].jsonl")) for line in file.read_text().splitlines()]
    effect = next(line["seq"] for line in lines if line["kind"] == "configuration" and line["config"] == now["digest"])
    assert given["seq"] < effect
    assert run_audit(gateway, "verify").returncode == 0


def test_a_file_that_cannot_be_taken_over_changes_nothing(gateway: Gateway) -> None:
    before = in_force(gateway)["digest"]
    gateway.config.write_text(gateway.config.read_text().replace("- admin-bot", "- admin_bot-"))
    done = aimux_reload(gateway, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["error"]["code"] == "configuration_refused"
    assert any("admin_bot-" in problem or "agents" in problem for problem in answer["problems"])
    assert in_force(gateway)["digest"] == before
    (given,) = recorded(gateway)
    assert (given["verdict"], given["after"]) == ("configuration_refused", None)
    assert "agents" in given["detail"]


def test_settings_that_need_a_restart_are_named(gateway: Gateway) -> None:
    gateway.config.write_text(gateway.config.read_text().replace("port: 0", "port: 1"))
    answer = json.loads(command(gateway, bearer(OPERATOR)).body)
    assert answer["error"]["code"] == "configuration_refused"
    assert any(problem.startswith("server.port: ") for problem in answer["problems"])
    assert [(given["verdict"], given["after"]) for given in recorded(gateway)] == [("configuration_refused", None)]


def test_who_commands_and_who_does_not(gateway: Gateway) -> None:
    evil, viewer, operator = {"Origin": "http://evil.example"}, bearer(VIEWER), bearer(OPERATOR)
    page = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    asked = [
        (command(gateway), "operator_required", None),
        (command(gateway, bearer(OPERATOR[:-1] + "0")), "operator_required", None),
        (command(gateway, {"X-Source-Agent": "admin-bot"}), "operator_required", None),
        (command(gateway, viewer), "operator_forbidden", "ann"),
        (command(gateway, {**operator, **evil}), "cross_site", "night-shift"),
        (command(gateway, {**operator, "Sec-Fetch-Site": "cross-site"}), "cross_site", "night-shift"),
        (command(gateway, {**operator, "Content-Type": "text/plain"}), "unsupported_media_type", "night-shift"),
        (command(gateway, operator, b'{"force": true}'), "bad_request", "night-shift"),
        (ask(gateway.port, "GET", RELOAD, operator), "method_not_allowed", "night-shift"),
        (ask(gateway.port, "POST", "/admin/nothing", {**JSON, **operator}, b"{}"), "not_found", "night-shift"),
        (command(gateway, {**operator, **page}), "accepted", "night-shift"),
    ]
    found = [json.loads(each.body) for each, _, _ in asked]
    assert [each.get("error", {"code": "accepted"})["code"] for each in found] == [code for _, code, _ in asked]
    assert asked[0][0].header("WWW-Authenticate") == b'Bearer realm="aimux"'
    written = {each["request_id"]: each for each in recorded(gateway)}
    assert len(written) == len(asked)
    for response, verdict, operator_name in asked:
        request_id = response.header("X-Request-ID")
        given = written[request_id.decode()] if request_id else recorded(gateway)[-1]
        assert (given["verdict"], given["operator"]) == (verdict, operator_name)
    whole = b"".join(file.read_bytes() for file in gateway.audit.rglob("*.jsonl"))
    assert OPERATOR.encode() not in whole
    assert not any(OPERATOR in line for line in gateway.raw_lines)
    assert gateway.metric('aimux_commands_total{command="reload",verdict="operator_required"}') == 3


def test_a_command_over_a_kept_connection_between_other_requests(gateway: Gateway) -> None:
    headers = {**JSON, **bearer(OPERATOR)}
    with Client(gateway.port) as client:
        for _ in range(3):
            client.send(compose("GET", "/", {"X-AIMux-Route": "plain", "X-Source-Agent": "finance-bot"}))
            assert client.read_response().status == 200
            client.send(compose("POST", RELOAD, headers, b"{}"))
            assert json.loads(client.read_response("POST").body)["command"] == "reload"


def test_the_operators_listener_takes_commands_and_agents_have_the_path(start: Start, upstream: Upstream) -> None:
    routes = [{"name": "plain", "upstream": upstream.url, "paths": ["POST /admin/reload"]}]
    gateway = start({"admin": {"listen": "127.0.0.1:0"}, "operators": OPERATORS, "routes": routes})
    listener = str(gateway.wait_event("operators")["url"])
    upstream.forget()
    assert command(gateway, bearer(OPERATOR)).header("X-AIMux-Route") == b"plain"
    refused = aimux_reload(gateway, "--at", listener)
    assert (refused.returncode, "operator_required" in refused.stderr) == (1, True)
    done = aimux_reload(gateway, "--at", listener, AIMUX_OPERATOR_TOKEN=OPERATOR)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_gateway_that_cannot_record_takes_no_commands(start: Start, upstream: Upstream) -> None:
    gateway = start(config_of(upstream, 1))
    before = in_force(gateway)["loaded_at"]
    chain = gateway.audit / "chain-1"
    chain.rename(gateway.audit / "elsewhere")
    (gateway.audit / "chain-1").write_text("in the way")
    gateway.tolerates_faults = True
    until(lambda: ask(gateway.port, target="/readyz").status == 503, "the gateway to notice")
    answer = ask_unix(gateway.state / "admin.sock", RELOAD, JSON, "POST", b"{}")
    assert json.loads(answer.body)["error"]["code"] == "not_ready"
    assert in_force(gateway)["loaded_at"] == before
    (gateway.audit / "chain-1").unlink()
    (gateway.audit / "elsewhere").rename(chain)
    gateway.expected_exit = None
    gateway.signal(signal.SIGKILL)
    gateway.wait_exit()


def test_without_a_gateway_the_command_says_what_to_do(tmp_path: Path) -> None:
    config = write_config(tmp_path / "aimux.yaml", {"routes": [{"name": "a", "upstream": "http://127.0.0.1:9"}]})
    done = subprocess.run([AIMUX, "reload", config], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no gateway answers" in done.stderr
    assert "--at" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_while_the_gateway_starts_is_not_undone_by_the_start(
    start: Start, upstream: Upstream, workers: int
) -> None:
    new = config_of(upstream, workers)
    old = config_of(upstream, workers)
    old["routes"][0]["intents"] = ["pay an invoice"]  # the start waits for the model, the reload needs none
    gateway = start(old, ready=False)
    write_config(gateway.config, new)
    answer = json.loads(ask_unix(gateway.state / "admin.sock", RELOAD, JSON, "POST", b"{}").body)
    gateway.wait_ready()
    assert in_force(gateway)["digest"] == answer["after"]
