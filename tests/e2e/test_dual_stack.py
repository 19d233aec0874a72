"""`server.host: "::"`: IPv4 clients are served too, and treated exactly as over an IPv4 socket."""

import json
import socket
from pathlib import Path

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway, run_audit, run_to_end, write_config
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Upstream

PLAIN = {"X-AIMux-Route": "plain"}
FOUR, SIX = "127.0.0.1", "::1"
HOSTS = {SIX: "[::1]", FOUR: "127.0.0.1"}


def has_ipv6() -> bool:
    """Whether this machine has IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def ask_at(gateway: Gateway, address: str, target: str = "/", headers: dict[str, str] | None = None) -> Response:
    """Send one request to an address of the gateway's machine."""
    with Client(gateway.port, address) as client:
        client.send(compose("GET", target, headers, host=HOSTS[address]))
        return client.read_response()


def begin(start: Start, upstream: Upstream, **server: object) -> Gateway:
    """A gateway on every network that tells all in its log."""
    routes = [{"name": "plain", "upstream": upstream.url}]
    return start({"server": {"host": "::", **server}, "logging": {"level": "debug"}, "routes": routes})


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_of_both_families_are_served_and_named_by_their_own_address(
    start: Start, upstream: Upstream, workers: int
) -> None:
    gateway = begin(start, upstream, workers=workers)
    for address in (FOUR, SIX) * 4:  # each worker has sockets of its own
        response = ask_at(gateway, address, headers=PLAIN)
        assert response.status == 200
        assert upstream.requests[-1].all("X-Forwarded-For") == [address.encode()]
        assert gateway.request_line(response.header("X-Request-ID"))["peer"] == address
        # Operators on this machine are known by the loopback address.
        assert ask_at(gateway, address, "/routes").status == 200
    done = run_audit(gateway, "query", "--json", "--limit", "100")
    assert {json.loads(line)["peer"] for line in done.stdout.splitlines()} == {FOUR, SIX}


@pytest.mark.parametrize(
    ("network", "trusted"),
    [("127.0.0.0/8", True), ("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("127.0.0.2", False), ("::/0", False)],
)
def test_an_ipv4_proxy_is_trusted_as_over_an_ipv4_socket(
    start: Start, new_upstream: NewUpstream, network: str, trusted: bool
) -> None:
    upstream = new_upstream()
    seen = []
    for host in ("::", "0.0.0.0"):
        gateway = begin(start, upstream, host=host, trusted_proxies=[network])
        assert ask(gateway.port, headers={**PLAIN, "X-Forwarded-For": "203.0.113.9"}).status == 200
        seen.append(upstream.requests[-1].all("X-Forwarded-For"))
    assert seen == [[b"203.0.113.9, 127.0.0.1" if trusted else b"127.0.0.1"]] * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_ipv4_has_in_use_is_not_shared(tmp_path: Path, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        server = {"host": "::", "port": held.getsockname()[1], "workers": workers}
        config = {"server": server, "routes": [{"name": "plain", "upstream": "http://x"}]}
        code, _, stderr = run_to_end(write_config(tmp_path / "aimux.yaml", config))
    assert code == 1
    assert "Address already in use; stop what uses it" in stderr


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.7", "Cannot assign requested address; this machine has no such address"),
        ("nowhere.invalid", "; correct server.host"),
    ],
)
def test_an_address_that_cannot_be_had_stops_the_start_with_its_cause(tmp_path: Path, host: str, why: str) -> None:
    config = {"server": {"host": host}, "routes": [{"name": "plain", "upstream": "http://x"}]}
    code, _, stderr = run_to_end(write_config(tmp_path / "aimux.yaml", config))
    assert (code, stderr.count("\n")) == (1, 1)
    assert f"cannot listen on {host} port 0: " in stderr
    assert why in stderr
