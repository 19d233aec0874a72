"""Names with several addresses, some of them dead, and name servers that do not answer: the living ones are reached."""

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import NewUpstream, Start
from e2e_support.names import NameServer, unanswering, within
from e2e_support.waiting import until

pytestmark = pytest.mark.fault

BRIEF = {"keepalive_timeout": 0.5}
LIVE, DEAD, OTHER = "127.0.0.3", "127.0.0.2", "127.0.0.4"


def code_of(response: Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status, json.loads(response.body)["error"]["code"]


def fault_of(gateway: Gateway, response: Response) -> str:
    """What the log says of a failed request beside its line."""
    detail: str = gateway.fault_line(response.header("X-Request-ID"))["detail"]
    return detail


def hosts(folder: Path, names: dict[str, Sequence[str]]) -> list[str]:
    """A command within which these names have these addresses, in this order."""
    file = folder / "hosts"
    lines = [f"{address} {name}" for name, addresses in names.items() for address in addresses]
    file.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
    return within({"/etc/hosts": file})


def routes(port: int, names: Sequence[str]) -> list[dict[str, str]]:
    """A route to each name, called like it."""
    return [{"name": name, "upstream": f"http://{name}:{port}"} for name in names]


@pytest.mark.parametrize("dead", ["unanswering", "refusing"])
def test_a_dead_address_beside_a_living_one(start: Start, new_upstream: NewUpstream, tmp_path: Path, dead: str) -> None:
    port = new_upstream(LIVE).port
    # The resolver keeps the order of these two; whatever another one does, one of the names has the dead one first.
    names = {"dead-first": (DEAD, LIVE), "dead-last": (LIVE, DEAD)}
    with ExitStack() as stack:
        if dead == "unanswering":
            stack.enter_context(unanswering(DEAD, port))
        gateway = start({"upstreams": BRIEF, "routes": routes(port, list(names))}, within=hosts(tmp_path, names))
        with under_load(gateway.port, route="dead-first"):
            for name in names:
                assert ask(gateway.port, headers={"X-AIMux-Route": name}).status == 200
        gateway.wait_idle()


def test_a_dead_ipv6_address_before_a_living_ipv4_one(start: Start, new_upstream: NewUpstream, tmp_path: Path) -> None:
    port = new_upstream(LIVE).port
    names = {"dual": ("::1", LIVE)}
    with unanswering("::1", port):
        gateway = start({"upstreams": BRIEF, "routes": routes(port, ["dual"])}, within=hosts(tmp_path, names))
        with under_load(gateway.port, route="dual"):
            assert ask(gateway.port, headers={"X-AIMux-Route": "dual"}).status == 200
        gateway.wait_idle()


def test_no_address_answers(start: Start, tmp_path: Path) -> None:
    with unanswering(DEAD) as port, unanswering(OTHER, port):
        config = {"upstreams": {"connect_timeout": 0.4}, "routes": routes(port, ["gone"])}
        gateway = start(config, within=hosts(tmp_path, {"gone": (DEAD, OTHER)}))
        with under_load(gateway.port, route="gone"):
            response = ask(gateway.port, headers={"X-AIMux-Route": "gone"})
    assert code_of(response) == (504, "upstream_timeout")
    fault = fault_of(gateway, response)
    assert fault.startswith(f"gone:{port}: no connection within upstreams.connect_timeout (0.4 s): ")
    assert {f"{DEAD}:{port}: no answer", f"{OTHER}:{port}: no answer"} == set(fault.split(": ", 2)[2].split("; "))


def test_every_address_refuses(start: Start, tmp_path: Path, dead_port: int) -> None:
    config = {"routes": routes(dead_port, ["gone"])}
    gateway = start(config, within=hosts(tmp_path, {"gone": (DEAD, OTHER)}))
    with under_load(gateway.port, route="gone"):
        response = ask(gateway.port, headers={"X-AIMux-Route": "gone"})
    assert code_of(response) == (502, "upstream_unreachable")
    why = "ECONNREFUSED (Connection refused)"
    assert set(fault_of(gateway, response).split(": ", 1)[1].split("; ")) == {
        f"{DEAD}:{dead_port}: {why}",
        f"{OTHER}:{dead_port}: {why}",
    }


def test_a_client_that_leaves_while_addresses_are_tried_leaves_nothing_open(start: Start, tmp_path: Path) -> None:
    with unanswering(DEAD) as port, unanswering(OTHER, port):
        config = {"upstreams": {"connect_timeout": 60}, "routes": routes(port, ["gone"])}
        gateway = start(config, within=hosts(tmp_path, {"gone": (DEAD, OTHER)}))
        at_rest = gateway.sockets()
        clients = [Client(gateway.port) for _ in range(5)]
        for client in clients:
            client.send(compose(headers={"X-AIMux-Route": "gone"}))
        until(lambda: gateway.sockets() == at_rest + 3 * len(clients), "two attempts for each client")
        for client in clients:
            client.reset()
        gateway.wait_idle()


def resolving(folder: Path, server: str, names: dict[str, Sequence[str]]) -> list[str]:
    """A command within which names are looked up in a file, then at a name server."""
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, found in names.items() for address in found))
    (folder / "resolv.conf").write_text(f"nameserver {server}\noptions timeout:30 attempts:5\n")
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    return within({f"/etc/{name}": folder / name for name in ("hosts", "resolv.conf", "nsswitch.conf")})


def test_a_name_server_that_hangs_holds_up_no_other_name(
    start: Start, new_upstream: NewUpstream, tmp_path: Path
) -> None:
    port = new_upstream(LIVE).port
    hung = [f"hung-{number}" for number in range(8)]
    with NameServer("127.0.0.53", hangs=True) as server:
        config = {"upstreams": {"connect_timeout": 5}, "routes": routes(port, [*hung, "known"])}
        gateway = start(config, within=resolving(tmp_path, "127.0.0.53", {"known": [LIVE]}))
        answers: list[Response] = []
        askers = [
            threading.Thread(
                target=lambda name=name: answers.append(ask(gateway.port, headers={"X-AIMux-Route": name}))
            )
            for name in hung
            for _ in range(4)
        ]
        for asker in askers:
            asker.start()
        until(lambda: server.asked >= len(hung), "a question for each name")
        with under_load(gateway.port, route="known"):
            for _ in range(5):
                assert ask(gateway.port, headers={"X-AIMux-Route": "known", "Connection": "close"}).status == 200
        assert not answers, "nobody had to wait for the lookups that hang"
        threads = len(list(Path(f"/proc/{gateway.pid}/task").iterdir()))
        for asker in askers:
            asker.join()
        assert {code_of(answer) for answer in answers} == {(504, "upstream_timeout")}
        assert "its name was not resolved within" in fault_of(gateway, answers[0])
        assert threads < 30, "one thread a name, not one a request"
        # The gateway stops at the end of this test while lookups hang: it must not wait for them.


def test_a_name_that_nobody_knows(start: Start, tmp_path: Path) -> None:
    with NameServer("127.0.0.53", hangs=False):
        config = {"routes": [{"name": "nowhere", "upstream": "http://nowhere.test:8000"}]}
        gateway = start(config, within=resolving(tmp_path, "127.0.0.53", {}))
        with under_load(gateway.port, route="nowhere"):
            response = ask(gateway.port, headers={"X-AIMux-Route": "nowhere"})
    assert code_of(response) == (502, "upstream_unreachable")
    known = "EAI_NONAME (Name or service not known)"
    assert fault_of(gateway, response) == f"nowhere.test:8000: its name cannot be resolved: {known}"
