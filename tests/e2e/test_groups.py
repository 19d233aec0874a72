"""Groups of agents in a running gateway: who gets in by one, where that is said, what a reload of members changes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import ask
from e2e_support.gateway import AIMUX, Config, Gateway, run_audit, write_config
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE

BUDGET = ["analyze the budget", "forecast revenue", "quarterly earnings"]


@pytest.fixture(params=[1, 2], ids=["alone", "two-workers"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many processes serve."""
    found: int = request.param
    return found


def config_of(upstream: Upstream, *finance: str, workers: int = 1) -> Config:
    return {
        "server": {"workers": workers},
        "agents": ["ant", "bee", {"name": "cat", "groups": ["audit"]}],
        "groups": {"finance": [*finance], "idle": []},
        "routes": [
            {"name": "finance", "upstream": upstream.url, "intents": BUDGET, "allowed": ["group:finance", "bee"]},
            {"name": "books", "upstream": upstream.url, "allowed": ["group:finance", "group:audit"]},
        ],
    }


def named(gateway: Gateway, agent: str, route: str) -> int:
    return ask(gateway.port, target="/", headers={"X-Source-Agent": agent, "X-AIMux-Route": route}).status


def everywhere(gateway: Gateway, agent: str, route: str) -> int:
    """The status of a request on several connections, so that every worker has had some; all must agree."""
    (status,) = {named(gateway, agent, route) for _ in range(12)}
    return status


def page(gateway: Gateway, path: str) -> Any:
    return json.loads(ask(gateway.port, target=path).body)


def test_a_reload_of_members_decides_and_is_told(start: Start, upstream: Upstream, workers: int) -> None:
    gateway = start(config_of(upstream, "ant", workers=workers))
    callers = [(agent, route) for agent in ("ant", "bee", "cat") for route in ("finance", "books")]
    assert [everywhere(gateway, *each) for each in callers] == [200, 200, 200, 403, 403, 200]
    assert gateway.reload(config_of(upstream, "cat", workers=workers))["event"] == "reloaded"
    assert [everywhere(gateway, *each) for each in callers] == [403, 403, 200, 403, 200, 200]
    assert page(gateway, "/agents") == {
        "agents": [
            {"name": "ant", "groups": [], "routes": []},
            {"name": "bee", "groups": [], "routes": ["finance"]},
            {"name": "cat", "groups": ["audit", "finance"], "routes": ["finance", "books"]},
        ],
        "groups": [
            {"name": "audit", "members": ["cat"]},
            {"name": "finance", "members": ["cat"]},
            {"name": "idle", "members": []},
        ],
    }
    assert [route["allowed"] for route in page(gateway, "/routes")["routes"]] == [
        ["bee", "group:finance"],
        ["group:audit", "group:finance"],
    ]
    shown = page(gateway, "/config")["config"]
    assert shown["agents"] == ["ant", "bee", {"name": "cat", "groups": ["audit"]}]
    assert shown["groups"] == {"finance": ["cat"], "idle": []}


@pytest.mark.parametrize("name", ["group:finance", "finance"])
def test_a_group_is_nobody(start: Start, upstream: Upstream, name: str) -> None:
    gateway = start(config_of(upstream, "ant"))
    refused = ask(gateway.port, target="/", headers={"X-Source-Agent": name, "X-AIMux-Route": "books"})
    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (401, "unknown_agent")
    assert upstream.requests == []


def test_a_broken_membership_is_not_taken_over(start: Start, upstream: Upstream) -> None:
    gateway = start(config_of(upstream, "ant"))
    assert gateway.reload(config_of(upstream, "ants"))["event"] == "reload"
    assert named(gateway, "ant", "books") == 200
    (problem,) = page(gateway, "/config")["last_reload"]["problems"]
    assert '"ants" is not a registered agent; did you mean ant?' in problem


def test_records_and_replay_tell_of_groups(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    gateway = start(config_of(upstream, "ant"))
    assert named(gateway, "ant", "books") == 200
    assert named(gateway, "bee", "finance") == 200
    assert named(gateway, "bee", "books") == 403
    assert ask(gateway.port, target="/?q=forecast+revenue&client_id=ant").status == 200
    gateway.signal()
    gateway.exited()
    lines = [json.loads(line) for line in run_audit(gateway, "query", "--json").stdout.splitlines()]
    told = {(line["agent"], line["route"]): (line["rule_id"], line["rule"]) for line in lines}
    assert told == {
        ("ant", "books"): ("access.group", "route 'books' lists group 'finance' of agent 'ant'"),
        ("ant", "finance"): ("access.group", "route 'finance' lists group 'finance' of agent 'ant'"),
        ("bee", "finance"): ("access.listed", "route 'finance' lists agent 'bee'"),
        ("bee", "books"): ("access.not_listed", "route 'books' is restricted and does not allow agent 'bee'"),
    }
    changed = write_config(tmp_path / "changed.yaml", config_of(upstream, "bee"))
    command = [AIMUX, "replay", gateway.audit, "--config", changed, "--json"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert "access.group" in found.stdout, found.stderr
    changes = json.loads(found.stdout)["changes"]
    assert sorted((each["kind"], *each["callers"], each["requests"]) for each in changes) == [
        ("newly_allowed", "bee", 1),
        ("newly_refused", "ant", 1),
        ("newly_refused", "ant", 1),
    ]
