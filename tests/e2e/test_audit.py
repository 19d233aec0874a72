"""Every request leaves records: what stands in them, and everything that reads them while the gateway runs."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway, run_audit
from e2e_support.mesh import Mesh, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


def found(gateway: Gateway, response: Response) -> dict[str, Any]:
    """What /audit says of an answered request, once it has ended and been indexed."""
    return entry_of(gateway, (response.header("X-Request-ID") or b"").decode())


def entry_of(gateway: Gateway, request_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        page = ask(gateway.port, target=f"/audit?request_id={request_id}")
        if page.status == 503:  # the index has just been begun
            return None
        assert page.status == 200, page.body
        requests = json.loads(page.body)["requests"]
        return requests[0] if requests and requests[0]["ended"] else None

    entry = until(look, f"request {request_id} in the index")
    assert entry is not None
    return entry


def written(gateway: Gateway) -> bytes:
    """Every byte of the log."""
    return b"".join(path.read_bytes() for path in sorted(gateway.audit.glob("chain-*/*[0-9].jsonl")))


def test_a_decision_is_in_the_file_before_the_upstream_has_the_request(mesh: Mesh) -> None:
    seen: list[bool] = []

    def look(peer: Peer, request: Received) -> None:
        request_id = request.header("X-Request-ID")
        assert request_id is not None
        lines = [json.loads(line) for line in written(mesh.gateway).splitlines()]
        mine = [line for line in lines if line.get("request_id") == request_id.decode()]
        seen.append([line["kind"] for line in mine] == ["decision"])
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    mesh.plain.handler = look
    for _ in range(3):
        assert ask(mesh.port, headers=PLAIN).status == 204
    assert seen == [True] * 3


def test_what_is_no_name_in_a_body_is_a_conflict_with_the_header(mesh: Mesh) -> None:
    headers = {"Content-Type": "application/json", "X-Source-Agent": "finance-bot"}
    body = b'{"agent": {"name": "helper"}, "input": "forecast revenue"}'
    entry = found(mesh.gateway, ask(mesh.port, "POST", "/v1/sessions", headers, body))
    assert (entry["agent"], entry["verdict"]) == ("finance-bot", "forward")
    assert entry["conflicts"] == [{"place": "body", "field": "agent", "name": None}]


def test_who_reached_what_and_why(mesh: Mesh) -> None:
    text = "forecast revenue for the next quarter"
    headers = {"X-Source-Agent": "finance-bot", "X-Client-ID": "somebody-else"}
    entry = found(mesh.gateway, ask(mesh.port, target=f"/v1/x?q={quote(text)}&z=hidden", headers=headers))
    assert entry["agent"] == "finance-bot"
    assert entry["identity"] == "claimed"
    assert entry["conflicts"] == [{"place": "header", "field": "x-client-id", "name": "somebody-else"}]
    assert (entry["route"], entry["verdict"], entry["status"], entry["ended"]) == (
        "finance",
        "forward",
        200,
        "completed",
    )
    assert entry["rule"] == "route 'finance' lists agent 'finance-bot'"
    assert (entry["text"], entry["dialect"], entry["path"], entry["method"]) == (text, "query", "/v1/x", "GET")
    assert {score["route"] for score in entry["scores"]} == {"finance", "admin", "weather"}
    assert entry["scores"][0] == {"route": "finance", "score": entry["score"], "min_score": 0.4}
    assert entry["margin"] == pytest.approx(entry["scores"][0]["score"] - entry["scores"][1]["score"], abs=2e-4)
    assert entry["runner_up"] == entry["scores"][1]["route"]
    config = json.loads(ask(mesh.port, target="/config").body)
    assert entry["config"] == config["digest"]
    assert len(entry["model"]) == 64
    assert entry["model_ms"] > 0
    assert entry["total_ms"] >= entry["decided_ms"] > 0
    assert entry["upstream_ms"] > 0
    assert b"hidden" not in written(mesh.gateway)


@pytest.mark.parametrize(
    ("target", "headers", "verdict", "who"),
    [
        ("/?q=reset+the+database", {"X-Source-Agent": "finance-bot"}, "route_forbidden", ("finance-bot", "claimed")),
        ("/?q=forecast+revenue", {}, "anonymous_forbidden", (None, "none")),
        ("/", {"X-Source-Agent": "nobody-knows"}, "unknown_agent", (None, None)),
        ("/", {"X-AIMux-Route": "nowhere"}, "no_route", (None, "none")),
        ("/", {}, "no_text", (None, "none")),
        ("/", {"X-AIMux-Route": "dead"}, "upstream_unreachable", (None, "none")),
        ("/v1/models", {}, "answered", (None, "none")),
        ("/?q=%ff", {}, "bad_request", (None, None)),
    ],
)
def test_what_is_refused_or_answered_here_is_recorded_too(
    mesh: Mesh, target: str, headers: dict[str, str], verdict: str, who: tuple[str | None, str | None]
) -> None:
    response = ask(mesh.port, target=target, headers=headers)
    entry = found(mesh.gateway, response)
    assert (entry["verdict"], entry["status"]) == (verdict, response.status)
    assert (entry["agent"], entry["identity"]) == who
    assert entry["ended"] == ("upstream_failed" if verdict.startswith("upstream") else "completed")


def test_what_cannot_be_read_as_a_request_is_recorded_too(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n")
        response = client.read_response()
    entry = found(mesh.gateway, response)
    assert (entry["verdict"], entry["status"], entry["method"], entry["config"]) == ("bad_request", 400, "-", None)


def break_off(peer: Peer, _: Received) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome")
    peer.reset()


def test_how_it_ended(mesh: Mesh) -> None:
    go_on = threading.Event()

    def hang(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
        go_on.wait(10)

    mesh.plain.handler = hang
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN))
        left = client.read_head()
    assert found(mesh.gateway, left)["ended"] == "client_left"
    go_on.set()
    mesh.plain.handler = break_off
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN))
        head = client.read_head()
        client.ending()
    entry = found(mesh.gateway, head)
    assert (entry["ended"], entry["status"]) == ("truncated", 200)


def test_secrets_are_in_no_byte_of_the_log(mesh: Mesh) -> None:
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "Cookie": f"session={SECRET}",
        "X-API-Key": SECRET,
        "X-Source-Agent": "finance-bot",
        "Content-Type": "application/json",
    }
    body = json.dumps(
        {"query": f'forecast revenue with {{"password": "{SECRET}"}}', "api_key": SECRET, "other": SECRET}
    )
    response = ask(mesh.port, method="POST", target=f"/?token={SECRET}", headers=headers, body=body.encode())
    assert found(mesh.gateway, response)["text"] == 'forecast revenue with {"password": "***"}'
    assert SECRET.encode() not in written(mesh.gateway)


def test_filters_pages_sums_status_and_exports(mesh: Mesh) -> None:
    answers = [ask(mesh.port, target=f"/filtered/{n}", headers=PLAIN) for n in range(5)]
    found(mesh.gateway, answers[-1])
    seen: list[str] = []
    before = ""
    while len(seen) < 5:
        page = json.loads(ask(mesh.port, target=f"/audit?route=plain&limit=2{before}").body)
        seen += [entry["path"] for entry in page["requests"]]
        before = f"&before={page['next']}"
    assert seen[:5] == [f"/filtered/{n}" for n in range(4, -1, -1)]
    stats = json.loads(ask(mesh.port, target="/audit/stats?since=1h&route=plain").body)
    assert sum(link["requests"] for link in stats["links"]) >= 5
    assert {link["route"] for link in stats["links"]} == {"plain"}
    status = json.loads(ask(mesh.port, target="/audit/status").body)
    (chain,) = status["chains"]
    assert (status["enabled"], status["writable"], chain["fault"]) == (True, True, None)
    assert chain["verified"] >= 10
    exported = ask(mesh.port, target="/audit/export?format=csv&route=plain")
    assert b"attachment" in (exported.header("Content-Disposition") or b"")
    assert exported.body.count(b"/filtered/") == 5
    lines = ask(mesh.port, target="/audit/export?format=jsonl&route=plain").body.splitlines()
    assert [json.loads(line)["path"] for line in lines][-5:] == seen[:5][::-1]


@pytest.mark.parametrize(
    "target", ["/audit?frm=1", "/audit?limit=0", "/audit?since=soon", "/audit?agent=a&agent=b", "/audit?before=x"]
)
def test_a_question_that_makes_no_sense_is_refused_with_what_to_do(mesh: Mesh, target: str) -> None:
    response = ask(mesh.port, target=target)
    assert response.status == 400
    assert json.loads(response.body)["error"]["code"] == "bad_request"


def test_nobody_else_reads_it(mesh: Mesh) -> None:
    for target in ("/audit", "/audit/stream", "/audit/status", "/audit/stats", "/audit/export"):
        assert ask(mesh.port, target=target, host="gateway.example").status == 403


class Events:
    """The events of a stream, read as they come."""

    def __init__(self, client: Client, target: str) -> None:
        self._client = client
        client.send(compose("GET", target))
        head = client.read_head()
        assert (head.status, head.header("Content-Type")) == (200, b"text/event-stream")
        self._text = b""

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        while chunk := self._client.read_chunk():
            self._text += chunk
            while b"\n\n" in self._text:
                event, _, self._text = self._text.partition(b"\n\n")
                fields = dict(line.split(": ", 1) for line in event.decode().split("\n"))
                if "data" in fields:
                    yield fields["event"], json.loads(fields["data"])


def test_a_stream_shows_decisions_and_outcomes_as_they_come(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        events = iter(Events(client, "/audit/stream?agent=admin-bot"))
        ask(mesh.port, headers=PLAIN)
        ask(mesh.port, headers={**PLAIN, "X-Source-Agent": "admin-bot"})
        (first, decided), (second, ended) = next(events), next(events)
    assert (first, second) == ("decision", "outcome")
    assert decided["position"]["decision"] == ended["position"]["decision"]
    assert (decided["agent"], decided["status"], ended["status"]) == ("admin-bot", None, 200)


def test_commands_work_while_the_gateway_runs(mesh: Mesh) -> None:
    response = ask(mesh.port, target="/by-command", headers={**PLAIN, "X-Source-Agent": "data-processor"})
    request_id = (response.header("X-Request-ID") or b"").decode()
    done = run_audit(mesh.gateway, "query", "--request-id", request_id, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == "/by-command"
    done = run_audit(mesh.gateway, "tail", "-n", "1", "--agent", "data-processor")
    assert "data-processor plain forward 200" in done.stdout
    done = run_audit(mesh.gateway, "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "chain 1: ok" in done.stdout
    done = run_audit(mesh.gateway, "stats", "--agent", "data-processor", "--json")
    assert {link["agent"] for link in json.loads(done.stdout)["links"]} == {"data-processor"}
    done = run_audit(mesh.gateway, "export", "--format", "otlp", "--agent", "data-processor")
    assert request_id in done.stdout


def test_what_the_index_has_not_read_is_said_with_every_answer(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    found(gateway, ask(gateway.port, headers=PLAIN))
    os.kill(gateway.indexing(), signal.SIGSTOP)
    try:
        ask(gateway.port, headers=PLAIN)
        gateway.wait_served()
        behind = json.loads(ask(gateway.port, target="/audit/status").body)["behind"]
        assert behind > 0
        assert json.loads(ask(gateway.port, target="/audit").body)["behind"] >= behind
        assert json.loads(ask(gateway.port, target="/audit/stats").body)["behind"] >= behind
        assert int(ask(gateway.port, target="/audit/export").header("X-AIMux-Audit-Behind") or 0) >= behind
        done = run_audit(gateway, "query")
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
        assert "the index lacks the newest" in done.stderr
    finally:
        os.kill(gateway.indexing(), signal.SIGCONT)
    assert until(lambda: run_audit(gateway, "query").stdout.count("\n") == 2, "both requests in the index")
    assert int(ask(gateway.port, target="/audit/export").header("X-AIMux-Audit-Behind") or -1) == 0


def test_an_index_that_is_deleted_while_the_gateway_runs_is_built_again(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    answered = ask(gateway.port, headers=PLAIN)
    found(gateway, answered)
    (gateway.audit / "index.sqlite3").unlink()
    assert found(gateway, answered)["path"] == "/"
    assert run_audit(gateway, "query", "--limit", "1").returncode == 0
    assert (gateway.audit / "index.sqlite3").stat().st_mode & 0o137 == 0


def test_several_workers_write_several_chains_and_all_are_read(start: Start, upstream: Upstream) -> None:
    gateway = start({"server": {"workers": 2}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    sent = set()
    while len({path for path in gateway.audit.glob("chain-*/*[0-9].jsonl") if b'"outcome"' in path.read_bytes()}) < 2:
        response = ask(gateway.port, headers=PLAIN)
        sent.add((response.header("X-Request-ID") or b"").decode())
        assert len(sent) < 500
    done = run_audit(gateway, "query", "--limit", "1000", "--json")
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert {entry["request_id"] for entry in entries} == sent
    assert {entry["position"]["chain"] for entry in entries} == {1, 2}
    verified = run_audit(gateway, "verify")
    assert (verified.returncode, verified.stdout.count("ok")) == (0, 2)
    # A chain goes on with the worker that takes the place of one that died.
    victim = gateway.workers()[0]
    os.kill(victim, signal.SIGKILL)
    gateway.wait_line(lambda line: line["event"] == "worker" and line.get("detail") == "serves", "a new worker")
    verified = run_audit(gateway, "verify")
    assert (verified.returncode, verified.stdout.count("ok")) == (0, 2), verified.stderr


def test_where_nothing_is_to_be_recorded_nothing_is(start: Start, upstream: Upstream) -> None:
    config = {"audit": {"enabled": False}, "routes": [{"name": "plain", "upstream": upstream.url}]}
    gateway = start(config)
    assert ask(gateway.port, headers=PLAIN).status == 200
    assert not gateway.audit.exists()
    for target in ("/audit", "/audit/stream", "/audit/stats", "/audit/export"):
        response = ask(gateway.port, target=target)
        assert (response.status, b"audit.enabled" in response.body) == (404, True)
    status = json.loads(ask(gateway.port, target="/audit/status").body)
    assert (status["enabled"], status["writable"], status["chains"]) == (False, False, [])


def test_what_is_in_force_is_recorded_and_every_end_is_signed(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    gateway.reload({"routes": [{"name": "plain", "upstream": upstream.url, "allowed": []}]})
    digest = json.loads(ask(gateway.port, target="/config").body)["digest"]
    gateway.signal()
    assert gateway.exited() == 0
    lines = [json.loads(line) for line in written(gateway).splitlines()]
    assert [line["kind"] for line in lines] == ["origin", "opened", "configuration", "configuration", "closed"]
    assert lines[3]["config"] == digest
    checkpoints = (gateway.audit / "chain-1" / "checkpoints.jsonl").read_text().splitlines()
    assert json.loads(checkpoints[-1])["count"] == len(lines)
