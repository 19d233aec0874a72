"""File descriptors that run out: clients are told so with a 503 that leaves a record, and nothing is reset."""

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e_support.client import Client, Response, compose
from e2e_support.gateway import Gateway, run_audit, run_to_end, write_config
from e2e_support.load import under_load
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE

pytestmark = pytest.mark.fault

LIMIT = 128
PLAIN = {"X-AIMux-Route": "plain"}
CODE = "out_of_descriptors"


def limited(soft: int, hard: int | None = None) -> list[str]:
    """The beginning of a command that may have so many descriptors."""
    return ["bash", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard or soft} && exec "$@"', "bash"]


def without(first: int, last: int) -> list[str]:
    """The same with LIMIT, of which these numbers are taken already."""
    taken = f'for ((i={first}; i<={last}; i++)); do eval "exec $i</dev/null"; done'
    return ["bash", "-c", f'ulimit -n {LIMIT}; {taken}; exec "$@"', "bash"]


def limits_of(pid: int) -> tuple[int, int]:
    """Soft and hard limit of a process."""
    line = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "open files" in line)
    soft, hard = line.split()[3:5]
    return int(soft), int(hard)


def check_refused(response: Response) -> None:
    """It is the refusal that says why, and that another try may help."""
    assert (response.status, json.loads(response.body)["error"]["code"]) == (503, CODE)
    assert response.header("Retry-After") == b"1"
    assert response.header("x-should-retry") is None


def served(client: Client) -> bool:
    """Whether a client that has connected is served; where it is not, it is told so."""
    client.send(compose(headers=PLAIN))
    response = client.read_response()
    if response.status != 200:
        check_refused(response)
    return response.status == 200


def fill(gateway: Gateway, stack: ExitStack) -> list[Client]:
    """Clients that are served and stay, until no more are."""
    clients: list[Client] = []
    while True:
        client = stack.enter_context(Client(gateway.port))
        if not served(client):
            return clients
        clients.append(client)
        assert len(clients) < LIMIT


@pytest.mark.parametrize("workers", [1, 2])
def test_more_clients_than_descriptors_are_told_so(start: Start, upstream: Upstream, workers: int) -> None:
    config = {"server": {"workers": workers}, "routes": [{"name": "plain", "upstream": upstream.url}]}
    gateway = start(config, within=limited(LIMIT))
    with under_load(gateway.port), ExitStack() as stack:
        clients = fill(gateway, stack)
        assert len(clients) > 5
        # All connect before any of them reads: far more than there are descriptors.
        crowd = [stack.enter_context(Client(gateway.port)) for _ in range(3 * LIMIT)]
        answers = [client.read_response() for client in crowd if not (workers > 1 and client.quiet())]
        assert answers
        for answer in answers:
            check_refused(answer)
        assert served(clients[0]), "those that were accepted are served as before"
        line = gateway.request_line(answers[-1].header("X-Request-ID"))
        assert (line["verdict"], line["status"]) == (CODE, 503)
    with under_load(gateway.port):
        assert served_in_the_end(gateway)
    done = run_audit(gateway, "query", "--verdict", CODE, "--limit", "1000", "--json")
    assert len(done.stdout.splitlines()) >= len(answers)
    assert any("client connections end at descriptor" in file.read_text() for file in gateway.audit.rglob("*.jsonl"))


def served_in_the_end(gateway: Gateway) -> bool:
    """Whether a client is served again, once those before it have gone."""
    for _ in range(200):
        with Client(gateway.port) as client:
            if served(client):
                return True
    return False


def test_no_descriptor_for_an_upstream_is_no_fault_of_the_upstream(start: Start, upstream: Upstream) -> None:
    go_on = threading.Event()

    def hold(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        go_on.wait(DEADLINE)
        peer.send(b"k")

    upstream.handler = hold
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]}, within=without(36, 111))
    with ExitStack() as stack, under_load(gateway.port):
        clients = [stack.enter_context(Client(gateway.port)) for _ in range(12)]
        for client in clients:
            client.send(compose(target="/v1/models"))
        accepted = [client for client in clients if client.read_response().status == 200]
        # About as many descriptors are left as these clients have: too few for an upstream connection each.
        for client in accepted:
            client.send(compose(headers=PLAIN))
            if (head := client.read_head()).status != 200:
                break
        go_on.set()
        assert head.status == 503
        fault = gateway.fault_line(head.header("X-Request-ID"))
    assert fault["verdict"] == CODE
    assert f"127.0.0.1:{upstream.port}: EMFILE (Too many open files: the rest of {LIMIT}" in fault["detail"]


def test_connections_that_nobody_uses_make_room_for_new_ones(start: Start, upstream: Upstream) -> None:
    # Each has a pool of its own, which keeps the connection that it has used.
    routes = [{"name": f"r{number}", "upstream": f"{upstream.url}/{number}"} for number in range(LIMIT + 20)]
    gateway = start({"upstreams": {"keepalive_timeout": 60}, "routes": routes}, within=limited(LIMIT))
    with under_load(gateway.port), Client(gateway.port) as client:
        for route in routes:
            client.send(compose(headers={"X-AIMux-Route": route["name"]}))
            assert client.read_response().status == 200
        with Client(gateway.port) as another:
            another.send(compose(headers={"X-AIMux-Route": "r0"}))
            assert another.read_response().status == 200, "they make room for clients too"


@pytest.mark.parametrize("workers", [1, 2])
def test_the_soft_limit_is_raised_to_the_hard_one(start: Start, new_upstream: NewUpstream, workers: int) -> None:
    routes = [{"name": "plain", "upstream": new_upstream().url}]
    server = {"workers": workers, "max_connections": 2048}
    gateway = start({"server": server, "routes": routes}, within=limited(100, 4096))
    assert [limits_of(pid) for pid in (gateway.pid, *gateway.workers())] == [(4096, 4096)] * (workers + (workers > 1))
    assert warnings(gateway) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_start_warns_where_max_connections_cannot_be_reached(
    start: Start, new_upstream: NewUpstream, workers: int
) -> None:
    routes = [{"name": "plain", "upstream": new_upstream().url}]
    server = {"workers": workers, "max_connections": 2049}
    gateway = start({"server": server, "routes": routes}, within=limited(100, 4096))
    (warning,) = warnings(gateway)
    for part in ("server.max_connections is 2049", "takes 4098", "may have 4096", "to 2048 or less"):
        assert part in warning


def warnings(gateway: Gateway) -> Sequence[str]:
    """What the gateway warns of at its start."""
    return [line["detail"] for line in gateway.lines if line["event"] == "configuration"]


def test_a_limit_that_is_too_low_stops_the_start(tmp_path: Path) -> None:
    path = write_config(tmp_path / "aimux.yaml", {"routes": [{"name": "plain", "upstream": "http://x"}]})
    code, _, stderr = run_to_end(path, within=limited(50))
    assert (code, stderr.count("\n")) == (1, 1)
    assert "may have 50 file descriptors, and the gateway needs 64 at least: raise the hard limit" in stderr
