"""The mesh of the end-to-end tests: one gateway for most of them, a factory for the others, upstreams on loopback."""

import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parent))

from e2e_support.fence import Fence
from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.mesh import Authority, Mesh, NewUpstream, Start
from e2e_support.upstream import Upstream

AGENTS = ["finance-bot", "admin-bot", "data-processor"]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority made for this run."""
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    return Authority(file, server)


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def dead_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _mesh_config(plain: Upstream, six: Upstream, secure: Upstream, authority: Authority, dead_port: int) -> Config:
    finance = ["analyze the budget", "forecast revenue", "quarterly earnings", "profit and costs of the year"]
    admin = ["delete users", "reset the database", "wipe all tables", "revoke a user's access"]
    weather = ["will it rain tomorrow", "weather forecast for the weekend", "how warm is it outside"]
    return {
        "agents": AGENTS,
        "routes": [
            {"name": "plain", "upstream": plain.url},
            {"name": "based", "upstream": plain.url + "/base/path"},
            {"name": "members", "upstream": plain.url, "allowed": ["*"]},
            {"name": "vault", "upstream": plain.url, "allowed": ["admin-bot"]},
            {"name": "nobody", "upstream": plain.url, "allowed": []},
            {"name": "six", "upstream": six.url},
            {"name": "secure", "upstream": secure.url, "ca_file": str(authority.file)},
            {"name": "distrusted", "upstream": secure.url},
            {"name": "dead", "upstream": f"http://127.0.0.1:{dead_port}"},
            {"name": "finance", "upstream": plain.url, "intents": finance, "allowed": ["finance-bot", "admin-bot"]},
            {"name": "admin", "upstream": plain.url, "intents": admin, "allowed": ["admin-bot"]},
            {"name": "weather", "upstream": plain.url, "intents": weather},
        ],
    }


@pytest.fixture(scope="session")
def _shared_mesh(authority: Authority, dead_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    plain, six, secure = Upstream(), Upstream("::1"), Upstream(tls=authority.server, name="localhost")
    config = _mesh_config(plain, six, secure, authority, dead_port)
    gateway = Gateway(write_config(tmp_path_factory.mktemp("mesh") / "aimux.yaml", config))
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        yield Mesh(gateway, plain, six, secure)
    finally:
        gateway.close()
        for upstream in (plain, six, secure):
            upstream.close()


@pytest.fixture
def mesh(_shared_mesh: Mesh) -> Iterator[Mesh]:
    """The shared gateway, with upstreams that know nothing of earlier tests, whose lines are in the log."""
    _shared_mesh.settle()
    yield _shared_mesh
    for upstream in (_shared_mesh.plain, _shared_mesh.six, _shared_mesh.secure):
        upstream.forget()
    assert _shared_mesh.gateway.alive
    assert _shared_mesh.gateway.stderr == ""


def _making() -> Iterator[NewUpstream]:
    made: list[Upstream] = []

    def make(*arguments: Any, **options: Any) -> Upstream:
        made.append(Upstream(*arguments, **options))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def new_upstream() -> Iterator[NewUpstream]:
    """Makes upstreams that live as long as the test."""
    yield from _making()


@pytest.fixture(scope="module")
def new_upstream_once() -> Iterator[NewUpstream]:
    """Makes upstreams that live as long as their module's tests."""
    yield from _making()


@pytest.fixture
def upstream(new_upstream: NewUpstream) -> Upstream:
    """An upstream of this test's own."""
    return new_upstream()


def _starting(folder: Path) -> Iterator[Start]:
    started: list[Gateway] = []

    def begin(config: Config, *, listening: bool = True, ready: bool = True, **options: Any) -> Gateway:
        gateway = Gateway(write_config(folder / f"aimux-{len(started)}.yaml", config), **options)
        started.append(gateway)
        if listening:
            gateway.wait_listening()
        if listening and ready:
            gateway.wait_ready()
        return gateway

    yield begin
    for gateway in started:
        gateway.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways that are checked and stopped at the end of the test; ready, unless told otherwise."""
    yield from _starting(tmp_path)


@pytest.fixture(scope="module")
def start_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gateways that live as long as their module's tests."""
    yield from _starting(tmp_path_factory.mktemp("module"))


@pytest.fixture(scope="module")
def _fence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fence]:
    fence = Fence(tmp_path_factory.mktemp("fence"))
    yield fence
    fence.gateway.close()
    fence.upstream.close()


@pytest.fixture
def fence(_fence: Fence) -> Fence:
    """A gateway that a file's tests share, and an upstream that has not been asked yet."""
    _fence.upstream.requests.clear()
    return _fence


@pytest.fixture
def guarded(fence: Fence) -> Fence:
    """The same with a guard, and the last message of the user deciding the route."""
    fence.take_over(guarded=True, scope="last_user")
    return fence
