"""`aimux replay` on what a running gateway has recorded: what a changed configuration would decide otherwise."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from e2e_support.client import ask
from e2e_support.gateway import AIMUX, Config, Gateway, run_audit, write_config
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE

AGENTS = ["finance-bot", "admin-bot"]
FORBIDDEN = "reset the database"
LONG = "analyze the budget of the department for the next year, " + "and what it costs, " * 20


def config_of(upstream: Upstream, dead_port: int, **audit: Any) -> Config:
    finance = ["analyze the budget", "forecast revenue", "quarterly earnings", "profit and costs of the year"]
    admin = ["delete users", "reset the database", "wipe all tables", "revoke a user's access"]
    return {
        "agents": [*AGENTS],
        "audit": audit,
        "routes": [
            {"name": "finance", "upstream": upstream.url, "intents": finance, "allowed": [*AGENTS]},
            {"name": "admin", "upstream": upstream.url, "intents": admin, "allowed": ["admin-bot"]},
            {"name": "vault", "upstream": upstream.url, "allowed": ["admin-bot"]},
            {"name": "dead", "upstream": f"http://127.0.0.1:{dead_port}"},
        ],
    }


def played(gateway: Gateway) -> None:
    """A request of each kind, and the gateway stopped."""

    def say(text: str, *, agent: str | None = "finance-bot", route: str | None = None) -> int:
        headers = ({"X-Source-Agent": agent} if agent else {}) | ({"X-AIMux-Route": route} if route else {})
        return ask(gateway.port, target=f"/?q={quote(text)}" if text else "/", headers=headers).status

    assert say("forecast revenue") == 200
    assert say(FORBIDDEN) == 403
    assert say("analyze the budget", agent=None) == 403
    assert say("forecast revenue", agent="stranger") == 401
    assert say("", route="vault") == 403
    assert say("", route="dead", agent=None) == 502
    assert say("", route="no-such") == 404
    assert say("") == 400
    assert say("who painted the Mona Lisa", agent=None) == 404
    body = json.dumps({"agent": "finance-bot", "messages": [{"role": "user", "content": LONG}]}).encode()
    assert ask(gateway.port, "POST", "/v1/chat/completions", {"Content-Type": "application/json"}, body).status == 200
    assert ask(gateway.port, "POST", "/", {"Content-Type": "application/json"}, b"{").status == 400
    gateway.signal()
    gateway.exited()


def replay(source: Path, config: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [AIMUX, "replay", source, "--config", config, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture(scope="module")
def upstream(new_upstream_once: NewUpstream) -> Upstream:
    """The upstream of every route."""
    return new_upstream_once()


@pytest.fixture(scope="module")
def gateway(start_once: Start, upstream: Upstream, dead_port: int) -> Gateway:
    """A gateway that keeps whole texts, and has been stopped after some requests."""
    running = start_once(config_of(upstream, dead_port, text="full"))
    played(running)
    return running


def changed(gateway: Gateway, upstream: Upstream, dead_port: int, **of_admin: Any) -> Path:
    config = copy.deepcopy(config_of(upstream, dead_port, text="full"))
    config["routes"][1] |= of_admin
    return write_config(gateway.config.with_name("new.yaml"), config)


def test_the_same_configuration_decides_the_same(gateway: Gateway, tmp_path: Path) -> None:
    done = replay(gateway.audit, gateway.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "11 requests, 0 would be decided otherwise, 0 could not be judged" in done.stdout
    assert "1  not about policy: bad_request 1" in done.stdout
    # An export has the same in it.
    exported = tmp_path / "export.jsonl"
    exported.write_text(run_audit(gateway, "export").stdout)
    again = replay(exported, gateway.config)
    assert (again.returncode, again.stdout.replace(str(exported), str(gateway.audit))) == (0, done.stdout)


def test_an_opened_route_is_newly_allowed(gateway: Gateway, upstream: Upstream, dead_port: int) -> None:
    new = changed(gateway, upstream, dead_port, allowed=[*AGENTS])
    done = replay(gateway.audit, new, "--before", gateway.config)
    assert (done.returncode, done.stderr) == (1, "")
    [row] = [line for line in done.stdout.splitlines() if line.startswith("newly allowed")]
    assert row.split() == ["newly", "allowed", "route_forbidden", "forward", "admin", "1", "finance-bot"]
    assert f'  finance-bot  "{FORBIDDEN}"' in done.stdout
    assert "newly allowed: route_forbidden -> forward admin: route 'admin' lists agent 'finance-bot'" in done.stdout


def test_what_is_not_known_is_not_unchanged(
    start: Start, upstream: Upstream, dead_port: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gateway = start(config_of(upstream, dead_port))
    played(gateway)
    new = changed(gateway, upstream, dead_port, min_score=0.41)
    done = replay(gateway.audit, new)
    assert done.returncode == 3
    assert "11 requests, 0 would be decided otherwise, 3 could not be judged" in done.stdout
    assert "1  not judged: only an excerpt of the text was recorded: record with audit.text: full" in done.stdout
    assert "1  not judged: the name of an unregistered caller is not recorded" in done.stdout
    assert "1  not judged: it names a route that did not exist" in done.stdout
    assert "who asked is taken from the record in 7 requests" in done.stderr
    # With the configuration that decided, all of it is known, but for what parts of the long text stand for. A pipeline
    # has it in another folder.
    before = tmp_path_factory.mktemp("pipeline") / "before.yaml"
    before.write_text(gateway.config.read_text())
    proved = replay(gateway.audit, new, "--before", before)
    assert proved.returncode == 0
    assert "1  judged on the recorded scores" in proved.stdout
    assert "1 request judged in part" in proved.stderr
