"""A gateway for the corpus, one that loses patience soon, and the upstream that records what they let through."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The processes, clients and upstreams are those of the end-to-end tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.upstream import Upstream
from edge_support.play import Arena, answer_with_target, check_wellbeing

TOKEN = "correct-horse-battery-staple"
KEY = "sk-edge-0123456789"
AGENTS = ["finance-bot", "admin-bot"]


def _config(upstream: Upstream) -> Config:
    return {
        "server": {"host": "0.0.0.0", "admin_token": "${EDGE_TOKEN}"},
        "agents": AGENTS,
        "routes": [
            {"name": "plain", "upstream": upstream.url},
            {"name": "based", "upstream": upstream.url + "/base/v2"},
            {"name": "passing", "upstream": upstream.url + "/base/v2", "redirects": "pass"},
            {"name": "keyed", "upstream": upstream.url + "/${EDGE_KEY}", "allowed": []},
            {"name": "members", "upstream": upstream.url, "allowed": ["*"]},
            {"name": "vault", "upstream": upstream.url, "allowed": ["admin-bot"]},
            {"name": "files", "upstream": upstream.url + "/base/v2", "prefix": "/files"},
            {"name": "private", "upstream": upstream.url, "prefix": "/files/private", "allowed": ["admin-bot"]},
            {"name": "bare", "upstream": upstream.url, "prefix": "/bare"},
        ],
        "fallback": {"upstream": upstream.url},
    }


def _names(config: Config) -> frozenset[str]:
    return frozenset([*AGENTS, *(route["name"] for route in config["routes"]), "fallback"])


def _own_address() -> str | None:
    """An address of this machine that is not a loopback one. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def _arena(folder: Path, **server: object) -> Iterator[Arena]:
    upstream, elsewhere = Upstream(), Upstream()
    config = _config(upstream)
    config["server"] |= server
    environment = {"EDGE_TOKEN": TOKEN, "EDGE_KEY": KEY}
    gateway = Gateway(write_config(folder / "aimux.yaml", config), environment=environment)
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        yield Arena(gateway, upstream, elsewhere, _names(config), _own_address())
        check_wellbeing(gateway, _names(config))
    finally:
        gateway.close()
        upstream.close()
        elsewhere.close()


@pytest.fixture(scope="session")
def _shared_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    yield from _arena(tmp_path_factory.mktemp("edge"))


@pytest.fixture
def arena(_shared_arena: Arena) -> Iterator[Arena]:
    """The shared gateway, with an upstream that knows nothing of earlier cases."""
    _shared_arena.upstream.handler = answer_with_target
    yield _shared_arena
    _shared_arena.upstream.forget()
    _shared_arena.gateway.wait_idle()


@pytest.fixture(scope="session")
def _shared_hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    waits = {"header_timeout": 0.5, "body_timeout": 0.5, "idle_timeout": 0.5, "send_timeout": 0.5}
    yield from _arena(tmp_path_factory.mktemp("hasty"), **waits)


@pytest.fixture
def hasty(_shared_hasty: Arena) -> Iterator[Arena]:
    """A gateway whose deadlines are short, with an upstream that knows nothing of earlier cases."""
    _shared_hasty.upstream.handler = answer_with_target
    yield _shared_hasty
    _shared_hasty.upstream.forget()
    _shared_hasty.gateway.wait_idle()
