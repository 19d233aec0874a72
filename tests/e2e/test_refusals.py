"""Every refusal: its exact status and code, one JSON shape, and nothing in it that the caller should not get back."""

import json
import re
from itertools import count

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.mesh import Mesh, NewUpstream, Start

MARK = "zqhostile"
HOSTILE = {"X-Probe": MARK, "User-Agent": MARK, "Cookie": MARK, "X-Request-ID": MARK, "X-AIMux-Agent": MARK}
FINANCE = {"X-Source-Agent": "finance-bot"}
JSON = {"Content-Type": "application/json"}
MAY_PASS = {"upstream_unreachable", "overloaded", "out_of_descriptors", "not_ready", "draining"}
TYPES = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "invalid_request",
    409: "conflict",
    413: "too_large",
    414: "too_large",
    415: "invalid_request",
    431: "too_large",
    500: "internal",
    502: "upstream_error",
    503: "unavailable",
    504: "timeout",
}


def _json(document: object) -> tuple[dict[str, str], bytes]:
    return JSON, json.dumps(document).encode()


def _deep(levels: int) -> bytes:
    return b'{"query": "x", "deep": ' + b"[" * levels + b"]" * levels + b"}"


def check(response: Response, status: int, code: str) -> dict[str, object]:
    """A refusal has this shape and tells nothing that it should not; its error."""
    assert response.status == status, response.body
    assert response.header("Content-Type") == b"application/json"
    assert int(response.header("Content-Length") or -1) == len(response.body)
    document = json.loads(response.body)
    assert list(document) == ["error"]
    error = document["error"]
    extra = {"candidates"} if code == "ambiguous_route" else set()
    assert set(error) == {"code", "type", "status", "message", "request_id"} | extra
    assert (error["code"], error["status"], error["type"]) == (code, status, TYPES[status])
    assert re.fullmatch("[0-9a-f]{32}", error["request_id"])
    assert response.header("X-Request-ID") == error["request_id"].encode()
    assert response.header("request-id") == response.header("X-Request-ID")
    assert response.all("X-AIMux-Route") == []
    assert str(error["message"]).endswith(f" [{code}]")
    assert (response.header("x-should-retry") == b"false") == (code not in MAY_PASS)
    assert b"429" not in response.body
    answer = (response.head + response.body).decode("latin-1").lower().replace("127.0.0.1", "")
    assert MARK not in answer
    assert not re.search(r"\bscores?\b|traceback|<[a-z!/]|\b0\.\d", answer)
    assert (response.header("Retry-After") is not None) == (status == 503)
    return error  # type: ignore[no-any-return]


Case = tuple[str, str, dict[str, str], bytes | None, int, str]
ROUTE = "X-AIMux-Route"
CASES: dict[str, Case] = {
    # 400
    "invalid JSON": ("POST", "/", JSON, b'{"query": zqhostile}', 400, "bad_request"),
    "invalid UTF-8": ("POST", "/", JSON, b'{"query": "\xff zqhostile"}', 400, "bad_request"),
    "NaN": ("POST", "/", JSON, b'{"query": "zqhostile", "x": NaN}', 400, "bad_request"),
    "too deep": ("POST", "/", JSON, _deep(64), 400, "bad_request"),
    "the agent twice in JSON": (
        "POST",
        "/",
        JSON,
        b'{"agent": "zqhostile", "agent": "finance-bot"}',
        400,
        "bad_request",
    ),
    "a broken gzip": ("POST", "/", {**JSON, "Content-Encoding": "gzip"}, b"zqhostile", 400, "bad_request"),
    "two texts": ("GET", "/?q=zqhostile&q=other", {}, None, 400, "bad_request"),
    "a bad escape": ("GET", "/zqhostile%zz", {}, None, 400, "bad_request"),
    "bad UTF-8 in the query": ("GET", "/?q=%ff" + MARK, {}, None, 400, "bad_request"),
    "an empty agent": ("GET", "/?client_id=&q=zqhostile", {}, None, 400, "identity_malformed"),
    "an empty agent header": ("GET", "/", {"X-Source-Agent": ""}, None, 400, "identity_malformed"),
    "an agent that is no text": ("POST", "/", *_json({"agent": 7, "query": MARK}), 400, "identity_malformed"),
    "an agent that is null": ("POST", "/", *_json({"agent": None, "query": MARK}), 400, "identity_malformed"),
    "two agents": ("GET", "/?agent=finance-bot&agent=zqhostile", {}, None, 400, "identity_malformed"),
    "a padded agent": ("GET", "/", {"X-Source-Agent": "  finance-bot"}, None, 400, "identity_malformed"),
    "an agent with underscores": ("GET", "/", {"X_Source_Agent": "finance-bot"}, None, 400, "identity_malformed"),
    "nothing to route on": ("GET", "/zqhostile", {}, None, 400, "no_text"),
    "an empty text": ("GET", "/?q=", {}, None, 400, "no_text"),
    "a blank text": ("POST", "/", *_json({"query": " \n\t"}), 400, "no_text"),
    "an empty object": ("POST", "/", *_json({}), 400, "no_text"),
    "an array": ("POST", "/", *_json([MARK]), 400, "no_text"),
    "binary": ("POST", "/", {"Content-Type": "image/png"}, b"zqhostile", 400, "no_text"),
    # 401
    "a stranger": ("GET", "/?client_id=zqhostile&q=x", {}, None, 401, "unknown_agent"),
    "a stranger on an open route": ("GET", "/", {"X-Source-Agent": MARK, ROUTE: "plain"}, None, 401, "unknown_agent"),
    "a stranger in JSON": ("POST", "/", *_json({"agent": MARK, "query": "x"}), 401, "unknown_agent"),
    "an agent in capitals": ("GET", "/", {"X-Source-Agent": "Finance-Bot", ROUTE: "plain"}, None, 401, "unknown_agent"),
    "markup": ("GET", "/", {"X-Source-Agent": "<script>zqhostile</script>"}, None, 401, "unknown_agent"),
    "a stranger's models": ("GET", "/v1/models", {"X-Client-ID": MARK}, None, 401, "unknown_agent"),
    # 403
    "not on the list": ("GET", "/?q=delete+users", FINANCE, None, 403, "route_forbidden"),
    "not on the list, by name": ("GET", "/", {**FINANCE, ROUTE: "vault"}, None, 403, "route_forbidden"),
    "nobody": ("GET", "/", {"X-Source-Agent": "admin-bot", ROUTE: "nobody"}, None, 403, "route_forbidden"),
    "anonymous": ("GET", "/?q=delete+users", {}, None, 403, "anonymous_forbidden"),
    "anonymous on a public route": ("GET", "/", {ROUTE: "members"}, None, 403, "anonymous_forbidden"),
    # 404
    "no match": ("GET", "/?q=how+do+butterflies+sleep", FINANCE, None, 404, "no_route"),
    "no such route": ("GET", "/", {ROUTE: MARK}, None, 404, "no_route"),
    "a fallback by name": ("GET", "/", {ROUTE: "fallback"}, None, 404, "no_route"),
    # 405
    "TRACE": ("TRACE", "/zqhostile", {ROUTE: "plain"}, None, 405, "method_not_allowed"),
    "CONNECT": ("CONNECT", "localhost:443", {ROUTE: "plain"}, None, 405, "method_not_allowed"),
    "CONNECT with a path": ("CONNECT", "/zqhostile", {ROUTE: "plain"}, None, 405, "method_not_allowed"),
    # 413, 414, 415, 431
    "too large a body": ("POST", "/", {**JSON, "Content-Length": "99999999"}, None, 413, "body_too_large"),
    "too long a text": ("POST", "/", {"Content-Type": "text/plain"}, b"a b " * 4200, 413, "text_too_long"),
    "too long a target": ("GET", "/" + MARK * 1000, {ROUTE: "plain"}, None, 414, "target_too_long"),
    "another coding": ("POST", "/", {**JSON, "Content-Encoding": MARK}, b"x", 415, "unsupported_encoding"),
    "two codings": ("POST", "/", {**JSON, "Content-Encoding": "gzip, br"}, b"x", 415, "unsupported_encoding"),
    "another charset": ("POST", "/", {"Content-Type": "text/plain; charset=utf-16"}, b"x", 415, "unsupported_encoding"),
    "too large headers": ("GET", "/", {"X-Big": MARK * 5000, ROUTE: "plain"}, None, 431, "headers_too_large"),
    "too many headers": ("GET", "/", {f"X-{n}": MARK for n in range(200)}, None, 431, "headers_too_large"),
    # 502
    "nobody listens": ("GET", "/", {ROUTE: "dead"}, None, 502, "upstream_unreachable"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_refusal(mesh: Mesh, case: Case) -> None:
    method, target, headers, body, status, code = case
    response = ask(mesh.port, method, target, {**HOSTILE, **headers}, body)
    error = check(response, status, code)
    assert mesh.plain.requests == []
    assert len(str(error["message"])) > 10
    line = mesh.gateway.request_line(response.header("X-Request-ID"))
    assert (line["verdict"], line["status"]) == (code, status)


def test_every_refusal_that_can_be_caused_from_outside_is_in_the_table() -> None:
    assert {(status, code) for *_, status, code in CASES.values()} == {
        (400, "bad_request"), (400, "identity_malformed"), (400, "no_text"), (401, "unknown_agent"),
        (403, "route_forbidden"), (403, "anonymous_forbidden"), (404, "no_route"), (405, "method_not_allowed"),
        (413, "body_too_large"), (413, "text_too_long"), (414, "target_too_long"), (415, "unsupported_encoding"),
        (431, "headers_too_large"), (502, "upstream_unreachable"),
    }  # fmt: skip


def test_the_message_names_agent_and_route(mesh: Mesh) -> None:
    error = check(ask(mesh.port, "GET", "/?q=delete+users", FINANCE), 403, "route_forbidden")
    assert error["message"] == "agent 'finance-bot' may not use route 'admin' [route_forbidden]"


def test_no_text_shows_an_example_that_works(mesh: Mesh) -> None:
    message = str(check(ask(mesh.port), 400, "no_text")["message"])
    assert "?q=" in message
    assert '{"query": ' in message


def test_a_text_that_is_too_long_names_the_ways_out(mesh: Mesh) -> None:
    response = ask(mesh.port, "POST", "/", {"Content-Type": "text/plain"}, b"word " * 9000)
    message = str(check(response, 413, "text_too_long")["message"])
    assert "semantic_engine.max_tokens" in message
    assert "X-AIMux-Route" in message


def test_method_not_allowed_tells_what_is(mesh: Mesh) -> None:
    response = ask(mesh.port, "TRACE", "/", {ROUTE: "plain"})
    allowed = (response.header("Allow") or b"").split(b", ")
    assert {b"GET", b"POST"} <= set(allowed)
    assert b"TRACE" not in allowed


AMBIGUOUS = {
    "agents": ["finance-bot", "admin-bot"],
    "routes": [
        {
            "name": "left",
            "upstream": "http://127.0.0.1:9",
            "intents": ["analyze the budget"],
            "allowed": ["finance-bot"],
        },
        {"name": "right", "upstream": "http://127.0.0.1:9", "intents": ["Analyze the budget"], "allowed": ["*"]},
        {"name": "far", "upstream": "http://127.0.0.1:9", "intents": ["will it rain tomorrow"]},
    ],
}


def test_ambiguous_routes_are_listed_as_far_as_the_caller_may_use_them(start: Start) -> None:
    gateway = start(AMBIGUOUS)
    target = "/?q=analyze+the+budget"
    for agent, candidates in (("finance-bot", ["left", "right"]), ("admin-bot", ["right"])):
        error = check(ask(gateway.port, "GET", target, {"X-Source-Agent": agent}), 409, "ambiguous_route")
        assert error["candidates"] == candidates
    check(ask(gateway.port, "GET", target), 403, "anonymous_forbidden")


def test_the_fallback_takes_what_matches_nothing_and_has_an_access_list(
    start: Start, new_upstream: NewUpstream
) -> None:
    upstream = new_upstream()
    fallback = {"upstream": upstream.url, "allowed": ["*"]}
    gateway = start({**AMBIGUOUS, "fallback": fallback})
    target = "/?q=how+do+butterflies+sleep"
    check(ask(gateway.port, "GET", target), 403, "anonymous_forbidden")
    response = ask(gateway.port, "GET", target, FINANCE)
    assert (response.status, response.header("X-AIMux-Route")) == (200, b"fallback")
    assert gateway.request_line(response.header("X-Request-ID"))["verdict"] == "fallback"
    assert upstream.only.header("X-AIMux-Agent") == b"finance-bot"


def test_too_many_texts_at_once_are_refused_as_overload(start: Start) -> None:
    gateway = start({**AMBIGUOUS, "semantic_engine": {"max_waiting": 1}})
    slow = " ".join(f"word{number}" for number in range(2000)).encode()
    with Client(gateway.port) as busy:
        busy.send(compose("POST", "/", {"Content-Type": "text/plain"}, slow))
        others = (ask(gateway.port, "GET", f"/?q=will+it+rain+in+{number}+days") for number in count())
        refusal = next(response for response in others if response.status != 502)
        error = check(refusal, 503, "overloaded")
        assert "try again" in str(error["message"])
        assert busy.quiet()


def test_too_many_connections_are_refused_as_overload(start: Start) -> None:
    gateway = start({**AMBIGUOUS, "server": {"max_connections": 2}})
    with Client(gateway.port) as first, Client(gateway.port) as second:
        for client in (first, second):
            client.send(compose("GET", "/healthz"))
            assert client.read_response().status == 200
        with Client(gateway.port) as third:
            check(third.read_response(), 503, "overloaded")
        first.send(compose("GET", "/healthz"))
        assert first.read_response().status == 200


def test_requests_before_the_gateway_is_ready_are_refused(start: Start) -> None:
    words = ["alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu"] * 2
    intents = [f"{' '.join(words)} {number}" for number in range(250)]
    routes = [{"name": "slow", "upstream": "http://127.0.0.1:9", "intents": intents}]
    gateway = start({"routes": routes}, ready=False)
    check(ask(gateway.port, "GET", "/?q=x"), 503, "not_ready")
    page = ask(gateway.port, "GET", "/readyz")
    assert (page.status, json.loads(page.body)["status"]) == (503, "not_ready")
    assert ask(gateway.port, "GET", "/healthz").status == 200
    gateway.wait_ready()
    assert ask(gateway.port, "GET", "/readyz").status == 200
