"""What operators read on the gateway's port, and who may read it."""

import json
import re
import socket

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import MODEL, Gateway
from e2e_support.mesh import Mesh, Start

TOKEN = "correct-horse-battery-staple"
CONFIG = {
    "server": {"admin_token": TOKEN, "host": "0.0.0.0"},
    "agents": ["finance-bot", "admin-bot"],
    "routes": [
        {"name": "finance", "upstream": "http://finance:8001/base", "allowed": ["finance-bot", "admin-bot"]},
        {"name": "public-api", "upstream": "http://api:8000", "allowed": ["*"]},
        {"name": "health", "upstream": "http://health:8080"},
        {"name": "closed", "upstream": "https://closed", "allowed": []},
    ],
    "fallback": {"upstream": "http://ollama:11434"},
}
OPEN = ["/healthz", "/livez", "/readyz"]
GUARDED = [
    "/metrics",
    "/routes",
    "/agents",
    "/config",
    "/dashboard/api/try",
    "/dashboard/api/overlaps",
]


@pytest.fixture(scope="module")
def guarded(start_once: Start) -> Gateway:
    """A gateway with a token that listens on every address."""
    return start_once(CONFIG)


def page(port: int, path: str, **headers: str) -> object:
    """The JSON of an endpoint."""
    response = ask(port, "GET", path, headers)
    assert (response.status, response.header("Content-Type")) == (200, b"application/json")
    return json.loads(response.body)


def is_forbidden(response: Response) -> bool:
    """Whether it is the refusal of management, without a word of what it guards."""
    assert b"finance" not in response.body
    assert TOKEN.encode() not in response.body
    code = json.loads(response.body)["error"]["code"] if response.status == 403 else None
    return code == "management_forbidden"


def test_health_and_readiness(mesh: Mesh) -> None:
    assert page(mesh.port, "/healthz") == page(mesh.port, "/livez") == {"status": "ok"}
    assert page(mesh.port, "/readyz") == {"status": "ready"}


def test_the_routes(guarded: Gateway) -> None:
    document = page(guarded.port, "/routes")
    assert isinstance(document, dict)
    listed = [
        (route["name"], route["upstream"], route["intents"], route["access"], route["allowed"])
        for route in document["routes"]
    ]
    assert listed == [
        ("finance", "http://finance:8001/base", [], "restricted", ["admin-bot", "finance-bot"]),
        ("public-api", "http://api:8000", [], "public", []),
        ("health", "http://health:8080", [], "open", []),
        ("closed", "https://closed", [], "restricted", []),
    ]
    assert document["fallback"]["upstream"] == "http://ollama:11434"
    assert document["fallback"]["access"] == "open"


def test_the_routes_with_their_intents_and_without_a_fallback(mesh: Mesh) -> None:
    document = page(mesh.port, "/routes")
    assert isinstance(document, dict)
    assert document["fallback"] is None
    weather = next(route for route in document["routes"] if route["name"] == "weather")
    assert weather["intents"] == ["will it rain tomorrow", "weather forecast for the weekend", "how warm is it outside"]


def test_the_agents(guarded: Gateway) -> None:
    usable = ["finance", "public-api", "health"]
    expected = [{"name": name, "groups": [], "routes": usable} for name in ("admin-bot", "finance-bot")]
    assert page(guarded.port, "/agents") == {"agents": expected, "groups": []}


def test_the_configuration_in_force(guarded: Gateway) -> None:
    document = page(guarded.port, "/config")
    assert isinstance(document, dict)
    assert set(document) == {"config", "digest", "loaded_at", "last_reload", "workers", "state"}
    assert document["last_reload"] is None
    config = document["config"]
    assert config["server"]["admin_token"] == "***"
    assert (config["server"]["drain_timeout"], config["upstreams"]["connect_timeout"]) == (30.0, 5.0)
    assert config["semantic_engine"]["model_path"] == str(MODEL)
    assert (config["semantic_engine"]["min_score"], config["identity"]["body_field"]) == (0.4, "agent")
    assert config["fallback"]["upstream"] == "http://ollama:11434"
    assert re.fullmatch("[0-9a-f]{64}", document["digest"])
    assert document["digest"].startswith(guarded.wait_event("ready")["config"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", document["loaded_at"])
    assert TOKEN not in json.dumps(document)


def test_the_metrics_are_prometheus_text(mesh: Mesh) -> None:
    response = ask(mesh.port, target="/metrics")
    assert (response.header("Content-Type") or b"").startswith(b"text/plain; version=")
    assert "aimux_ready 1.0" in response.body.decode()


@pytest.mark.parametrize("path", [*OPEN, *GUARDED])
def test_only_get_reads_an_endpoint(mesh: Mesh, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        response = ask(mesh.port, method, path, {"X-AIMux-Route": "plain"}, b"x")
        assert (response.status, json.loads(response.body)["error"]["code"]) == (405, "method_not_allowed")
        assert response.header("Allow") == b"GET, HEAD"
    assert mesh.plain.requests == []
    with Client(mesh.port) as client:
        client.send(compose("HEAD", path))
        assert client.read_response("HEAD").status == 200


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("evil.example", {}),
        ("127.0.0.1.evil.example", {}),
        ("0.0.0.0", {}),
        ("localhost", {"X-Forwarded-For": "127.0.0.1"}),
        ("localhost", {"X-Forwarded-Host": "localhost"}),
        ("localhost", {"X-Real-IP": "127.0.0.1"}),
        ("localhost", {"Forwarded": "for=127.0.0.1"}),
        ("localhost", {"Via": "1.1 proxy"}),
        ("localhost", {"Origin": "http://evil.example"}),
        ("localhost", {"Sec-Fetch-Site": "cross-site"}),
        ("localhost", {"Authorization": "Bearer wrong-horse-battery-staple"}),
        ("localhost", {"Authorization": "Bearer "}),
        ("localhost", {"Authorization": f"Basic {TOKEN}"}),
        ("localhost", {"Authorization": TOKEN}),
    ],
)
def test_the_guarded_endpoints_are_closed(guarded: Gateway, host: str, headers: dict[str, str]) -> None:
    for path in GUARDED:
        assert is_forbidden(ask(guarded.port, "GET", path, headers, host=host)), path
    for path in OPEN:
        assert ask(guarded.port, "GET", path, headers, host=host).status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]", "LOCALHOST:1"])
def test_a_loopback_host_opens_them(mesh: Mesh, host: str) -> None:
    for path in GUARDED:
        assert ask(mesh.port, "GET", path, host=host).status == 200


def test_the_token_opens_them_from_everywhere(guarded: Gateway) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.9"}
    for path in GUARDED:
        assert ask(guarded.port, "GET", path, headers, host="gateway.example").status == 200


def test_without_a_configured_token_none_opens_them(mesh: Mesh) -> None:
    response = ask(mesh.port, "GET", "/config", {"Authorization": f"Bearer {TOKEN}"})
    assert is_forbidden(response)


def _own_address() -> str | None:
    """An address of this machine that is not a loopback one. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def test_another_machine_is_not_this_one_whatever_host_it_asks_for(guarded: Gateway) -> None:
    address = _own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback ones")
    with Client(guarded.port, address) as client:
        client.send(compose("GET", "/config", host="localhost"))
        assert is_forbidden(client.read_response())
        client.send(compose("GET", "/config", {"Authorization": f"Bearer {TOKEN}"}, host="localhost"))
        assert client.read_response().status == 200
        for path in OPEN:
            client.send(compose("GET", path, host="anything"))
            assert client.read_response().status == 200


@pytest.mark.parametrize(
    "path", ["/healthz/", "//healthz", "/HEALTHZ", "/%68ealthz", "/config/", "/x/../config", "/metrics;a"]
)
def test_what_only_resembles_an_endpoint_is_agent_traffic(mesh: Mesh, path: str) -> None:
    response = ask(mesh.port, "GET", path, {"X-AIMux-Route": "plain"})
    assert (response.status, response.body) == (200, b"ok")
    assert mesh.plain.only.line == f"GET {path} HTTP/1.1".encode()


def test_a_query_does_not_make_an_endpoint_traffic(mesh: Mesh) -> None:
    assert page(mesh.port, "/healthz?q=x") == page(mesh.port, "/livez?") == {"status": "ok"}
    assert page(mesh.port, "/readyz?verbose") == {"status": "ready"}


def test_the_web_page_is_for_everybody_where_operators_can_log_in(guarded: Gateway, mesh: Mesh) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}
    for path in ("/dashboard", "/dashboard/"):
        assert ask(guarded.port, "GET", path, headers, host="gateway.example").status in {200, 308}
        assert is_forbidden(ask(mesh.port, "GET", path, headers, host="gateway.example"))
        wrong = {"Authorization": "Bearer wrong-horse-battery-staple"}
        assert is_forbidden(ask(guarded.port, "GET", path, wrong))
    # What is read with it stays closed, and so does what is no file of it.
    for path in ("/dashboard/api/try?text=x", "/dashboard/api/overlaps", "/dashboard/index.html", "/config"):
        assert is_forbidden(ask(guarded.port, "GET", path, headers, host="gateway.example")), path
