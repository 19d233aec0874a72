"""Who an operator is, on every channel, with one worker and with two; and whose paths are whose."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.operators import ADMIN, OPERATOR, OPERATORS, VIEWER, ask_unix, bearer, outcome
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

SESSION = "/admin/session"
NOBODY = (401, "operator_required")
ANN = (200, ("ann", "viewer", "token", False))
NIGHT_SHIFT = (200, ("night-shift", "operator", "token", True))
ADMINISTRATOR = (200, ("admin", "operator", "token", True))
AGENTS_TOO = [
    "/config",
    "/metrics",
    "/routes",
    "/agents",
    "/audit",
    "/admin/x",
    "/admin/session",
    "/admin",
    "/dashboard/",
]
PAGES = ["/config", "/metrics", "/routes", "/agents", "/audit/status", "/dashboard/", "/healthz", "/livez", "/readyz"]
Ask = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Parted:
    """A gateway whose operators have a listener of their own, and the upstream of its agents."""

    gateway: Gateway
    upstream: Upstream
    listener: int

    def channel(self, name: str) -> Ask:
        """How to ask over `tcp` or `unix`."""
        if name == "unix":
            return lambda target, headers=None, **more: ask_unix(self.socket, target, headers, **more)
        return lambda target, headers=None, method="GET", body=None: ask(self.listener, method, target, headers, body)

    @property
    def socket(self) -> Path:
        return self.gateway.state / "admin.sock"


def listener_of(gateway: Gateway) -> int:
    """The port at which operators alone are heard."""
    return int(str(gateway.wait_event("operators")["url"]).rsplit(":", 1)[1])


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def parted(request: pytest.FixtureRequest, start_once: Start, new_upstream_once: NewUpstream) -> Parted:
    upstream = new_upstream_once()
    gateway = start_once(
        {
            "server": {"workers": request.param, "admin_token": ADMIN},
            "admin": {"listen": "127.0.0.1:0"},
            "operators": OPERATORS,
            "fallback": {"upstream": upstream.url},
        }
    )
    return Parted(gateway, upstream, listener_of(gateway))


@pytest.mark.parametrize("channel", ["tcp", "unix"])
def test_a_token_says_who_asks(parted: Parted, channel: str) -> None:
    ask_there = parted.channel(channel)
    assert outcome(ask_there(SESSION, bearer(VIEWER))) == ANN
    assert outcome(ask_there(SESSION, bearer(OPERATOR))) == NIGHT_SHIFT
    assert outcome(ask_there(SESSION, bearer(ADMIN))) == ADMINISTRATOR
    through_a_proxy = {"X-Forwarded-For": "203.0.113.9", "Origin": "https://localhost"}
    assert outcome(ask_there(SESSION, {**bearer(VIEWER), **through_a_proxy})) == ANN


@pytest.mark.parametrize("channel", ["tcp", "unix"])
def test_a_wrong_token_is_nobody_and_is_counted(parted: Parted, channel: str) -> None:
    ask_there, count = parted.channel(channel), "aimux_operator_wrong_tokens_total"

    def counted() -> int:
        text = parted.channel("unix")("/metrics").body.decode()
        return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith(count))))

    before = counted()
    refused = ask_there(SESSION, bearer("wrong"))
    assert outcome(refused) == NOBODY
    assert refused.header("WWW-Authenticate") == b'Bearer realm="aimux"'
    assert outcome(ask_there("/config", bearer("wrong"))) == (403, "management_forbidden")
    typo = OPERATOR[:-1] + "x"
    assert b"mistyped" in ask_there(SESSION, bearer(typo)).body
    until(lambda: counted() == before + 3, "three more wrong tokens")
    for token in (typo, OPERATOR, VIEWER, ADMIN):
        assert token not in "".join(parted.gateway.raw_lines)


def test_on_this_machine_pages_are_read_without_a_token_and_nobody_is_an_operator_by_that(parted: Parted) -> None:
    for path in PAGES:
        assert ask(parted.listener, target=path).status == 200, path
    assert outcome(ask(parted.listener, target=SESSION)) == NOBODY
    assert outcome(ask(parted.listener, target="/config", host="evil.example")) == (403, "management_forbidden")


def test_the_gateways_own_user_is_an_operator_at_its_socket(parted: Parted) -> None:
    uid = parted.gateway.state.stat().st_uid
    assert outcome(ask_unix(parted.socket, SESSION)) == (200, (f"uid:{uid}", "operator", "peer_uid", True))
    for path in PAGES:
        assert ask_unix(parted.socket, path).status == 200, path
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Via": "1.1 proxy"}):
        assert outcome(ask_unix(parted.socket, SESSION, headers)) == NOBODY


@pytest.mark.parametrize("channel", ["tcp", "unix"])
def test_a_page_of_another_site_asks_in_vain(parted: Parted, channel: str) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        asked = parted.channel(channel)(SESSION, {**bearer(OPERATOR), **headers})
        assert outcome(asked) == (403, "cross_site")


@pytest.mark.parametrize("path", AGENTS_TOO)
def test_agents_have_every_path_on_their_port_but_the_probes(parted: Parted, path: str) -> None:
    parted.upstream.forget()
    for method, body in (("GET", None), ("POST", b"x")):
        assert ask(parted.gateway.port, method, path, bearer(OPERATOR), body).status == 200
    assert [each.line.split()[1] for each in parted.upstream.requests] == [path.encode()] * 2
    for probe in ("/healthz", "/livez", "/readyz"):
        assert ask(parted.gateway.port, target=probe).body.startswith(b"{")
    assert len(parted.upstream.requests) == 2


@pytest.mark.parametrize("channel", ["tcp", "unix"])
def test_agents_are_never_answered_where_operators_are(parted: Parted, channel: str) -> None:
    parted.upstream.forget()
    ask_there = parted.channel(channel)
    for method, target in (("GET", "/"), ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "//config")):
        asked = ask_there(target, {**bearer(OPERATOR), "X-AIMux-Route": "fallback"}, method=method)
        assert outcome(asked) == (404, "not_found")
    assert outcome(ask_there("/config", method="POST")) == (405, "method_not_allowed")
    assert parted.upstream.requests == []


def test_what_cannot_be_read_is_refused_there_and_logged_as_operators_requests_are(parted: Parted) -> None:
    with Client(parted.listener) as client:
        client.send(b"GET /config HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        refused = client.read_response()
    assert outcome(refused) == (400, "bad_request")
    request_id = (refused.header("X-Request-ID") or b"").decode()
    line = parted.gateway.wait_line(lambda line: line.get("request_id") == request_id)
    assert (line["event"], line["verdict"], line["peer"]) == ("management", "bad_request", "127.0.0.1")


def test_a_peer_at_a_unix_socket_is_logged_as_such(parted: Parted) -> None:
    refused = ask_unix(parted.socket, "/config", bearer("wrong"))
    request_id = (refused.header("X-Request-ID") or b"").decode()
    assert parted.gateway.wait_line(lambda line: line.get("request_id") == request_id)["peer"] == "unix"


def test_operators_share_the_port_of_agents_where_they_have_no_listener(start: Start, upstream: Upstream) -> None:
    config = {"operators": OPERATORS, "fallback": {"upstream": upstream.url}}
    gateway = start(config)
    assert outcome(ask(gateway.port, target=SESSION, headers=bearer(VIEWER), host="gateway.example")) == ANN
    assert ask(gateway.port, target="/config", headers=bearer(VIEWER), host="gateway.example").status == 200
    assert outcome(ask(gateway.port, target=SESSION)) == NOBODY
    assert ask(gateway.port, "POST", "/admin/nothing", {}, b"").status >= 400
    assert upstream.requests == []
    assert gateway.reload({"operators": OPERATORS[1:], "fallback": config["fallback"]})["event"] == "reloaded"
    assert outcome(ask(gateway.port, target=SESSION, headers=bearer(VIEWER))) == NOBODY
    assert outcome(ask(gateway.port, target=SESSION, headers=bearer(OPERATOR))) == NIGHT_SHIFT
    assert gateway.reload({"fallback": config["fallback"]})["event"] == "reloaded"
    assert ask(gateway.port, target=SESSION, headers=bearer(OPERATOR)).status == 200
    assert [each.line.split()[1] for each in upstream.requests] == [SESSION.encode()]


def test_a_stream_ends_for_who_is_no_operator_any_more(start: Start, upstream: Upstream) -> None:
    config = {"operators": OPERATORS, "fallback": {"upstream": upstream.url}}
    gateway = start(config)
    with Client(gateway.port) as left, Client(gateway.port) as taken_away:
        for client, token in ((left, OPERATOR), (taken_away, VIEWER)):
            client.send(compose("GET", "/audit/stream", bearer(token)))
            assert client.read_head().status == 200
            client.read_until(b"retry: 1000")
        assert gateway.reload({**config, "operators": OPERATORS[1:]})["event"] == "reloaded"
        ask(gateway.port, target="/after")
        left.read_until(b"/after")
        rest, _ = taken_away.ending()
        assert b"/after" not in rest
        assert not rest.endswith(b"0\r\n\r\n")


def test_where_they_are_heard_is_decided_at_the_start(start: Start, upstream: Upstream) -> None:
    gateway = start({"fallback": {"upstream": upstream.url}})
    line = gateway.reload({"admin": {"listen": "127.0.0.1:0"}, "fallback": {"upstream": upstream.url}})
    assert line["event"] == "reload"
    assert "admin.listen: read only when the gateway starts" in str(line["problem"])


def test_the_shown_configuration_has_operators_and_no_token(parted: Parted) -> None:
    shown = json.loads(ask_unix(parted.socket, "/config").body)["config"]
    assert [each["name"] for each in shown["operators"]] == ["ann", "night-shift"]
    assert shown["admin"] == {"listen": "127.0.0.1:0"}
    assert not any(token in json.dumps(shown) for token in (VIEWER, OPERATOR, ADMIN))


def test_connections_to_operators_carry_several_requests(parted: Parted) -> None:
    with Client(parted.listener) as client:
        for _ in range(3):
            client.send(compose("GET", SESSION, bearer(VIEWER)))
            assert outcome(client.read_response()) == ANN
