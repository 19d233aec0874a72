"""Web pages that call the gateway from a browser: preflights, refusals and answers that the page can read."""

import json

import pytest
from e2e_support.client import Response, ask
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Upstream, answering

APP = "http://localhost:3000"
FROM_APP = {"Origin": APP}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-source-agent",
}
PLAIN = {"X-AIMux-Route": "plain"}


@pytest.fixture(scope="module")
def _shared(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    config = {
        "server": {"cors": {"origins": ["HTTP://LocalHost:3000"], "max_age": 60}},
        "agents": ["finance-bot"],
        "routes": [
            {"name": "plain", "upstream": upstream.url},
            {"name": "members", "upstream": upstream.url, "allowed": ["*"]},
        ],
    }
    return start_once(config), upstream


@pytest.fixture
def gateway(_shared: tuple[Gateway, Upstream]) -> Gateway:
    """A gateway that pages of one origin may call."""
    return _shared[0]


@pytest.fixture
def upstream(_shared: tuple[Gateway, Upstream]) -> Upstream:
    """The upstream of its routes, as new."""
    _shared[1].forget()
    return _shared[1]


def readable(response: Response) -> bool:
    """Whether a browser shows the response to the page."""
    return response.all("Access-Control-Allow-Origin") == [APP.encode()]


def test_a_preflight_is_answered_without_a_decision(gateway: Gateway, upstream: Upstream) -> None:
    for target in ("/v1/chat/completions", "/?client_id=stranger", "/v1/models"):
        response = ask(gateway.port, "OPTIONS", target, {**FROM_APP, **PREFLIGHT})
        assert (response.status, response.body) == (204, b"")
        assert response.header("Content-Length") is None
        assert readable(response)
        assert response.header("Access-Control-Allow-Headers") == b"*, Authorization"
        assert b"POST" in (response.header("Access-Control-Allow-Methods") or b"")
        assert response.header("Access-Control-Max-Age") == b"60"
        assert response.header("Access-Control-Allow-Credentials") is None
        line = gateway.request_line(response.header("X-Request-ID"))
        assert (line["verdict"], line["agent"], line["route"]) == ("answered", None, None)
    assert upstream.requests == []
    assert gateway.metric('aimux_requests_total{agent="(anonymous)",route="(none)",verdict="answered"}') == 3


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3001", "https://localhost:3000"])
def test_other_origins_get_nothing(gateway: Gateway, upstream: Upstream, origin: str) -> None:
    upstream.handler = answering(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n")
    for method, more in (("OPTIONS", PREFLIGHT), ("GET", {})):
        response = ask(gateway.port, method, "/x", {"Origin": origin, **PLAIN, **more})
        assert response.status == 200
        assert response.header("Access-Control-Allow-Origin") is None
        assert response.all("Vary") == [b"Origin"]
    assert len(upstream.requests) == 2


def test_a_refusal_can_be_read_by_the_page(gateway: Gateway, upstream: Upstream) -> None:
    for headers, code in (
        ({"X-AIMux-Route": "members"}, "anonymous_forbidden"),
        ({"X-Source-Agent": "stranger"}, "unknown_agent"),
        ({**PLAIN, "Content-Length": "99999999"}, "body_too_large"),
        ({**PLAIN, "Connection": "upgrade", "Upgrade": "websocket"}, "upgrade_unsupported"),
    ):
        response = ask(gateway.port, "POST", "/", {**FROM_APP, **headers})
        assert json.loads(response.body)["error"]["code"] == code
        assert readable(response), code
        assert b"X-Request-ID" in (response.header("Access-Control-Expose-Headers") or b"")
    assert upstream.requests == []


def test_an_answer_can_be_read_by_the_page_and_the_upstreams_own_word_is_replaced(
    gateway: Gateway, upstream: Upstream
) -> None:
    upstream.handler = answering(
        b"HTTP/1.1 200 OK\r\nVary: Accept\r\naccess-control-allow-origin: http://other.example\r\n"
        b"Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Own\r\nContent-Length: 2\r\n\r\nok"
    )
    response = ask(gateway.port, "GET", "/", {**FROM_APP, **PLAIN})
    assert (response.status, response.body) == (200, b"ok")
    assert readable(response)
    assert response.all("Vary") == [b"Accept", b"Origin"]
    assert response.header("Access-Control-Allow-Credentials") is None
    assert response.header("Access-Control-Expose-Headers") != b"X-Own"
    listed = ask(gateway.port, "GET", "/v1/models", FROM_APP)
    assert (listed.status, readable(listed)) == (200, True)


@pytest.mark.parametrize("target", ["/healthz", "/livez", "/readyz", "/config", "/dashboard/"])
def test_no_page_reads_what_is_for_operators(gateway: Gateway, target: str) -> None:
    for method, more in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        response = ask(gateway.port, method, target, {**FROM_APP, **more})
        assert response.status == (405 if more else 200 if target in {"/healthz", "/livez", "/readyz"} else 403)
        assert not [name for name, _ in response.headers if name.lower().startswith(b"access-control-")]


def test_an_upstream_that_fails_can_be_read_about(gateway: Gateway, upstream: Upstream) -> None:
    upstream.handler = answering(b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n")
    response = ask(gateway.port, "GET", "/", {**FROM_APP, **PLAIN})
    assert (response.status, readable(response)) == (502, True)


def test_without_the_setting_it_is_between_the_page_and_the_upstream(start: Start, new_upstream: NewUpstream) -> None:
    upstream = new_upstream()
    upstream.handler = answering(
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: http://other.example\r\nContent-Length: 0\r\n\r\n"
    )
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    for method, more in (("OPTIONS", PREFLIGHT), ("GET", {})):
        response = ask(gateway.port, method, "/", {**FROM_APP, **PLAIN, **more})
        assert response.all("Access-Control-Allow-Origin") == [b"http://other.example"]
        assert response.header("Vary") is None
    assert ask(gateway.port, "GET", "/", FROM_APP).header("Access-Control-Allow-Origin") is None
