"""Requests without a text, lists of texts and follow-ups through a running gateway, mostly by OpenAI's SDK."""

import json
from collections.abc import Callable, Iterator

import openai
import pytest
from e2e_support.client import Response, ask
from e2e_support.fence import BUDGET, SECRETS, USERS
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import until

EMBEDDING = {"object": "embedding", "index": 0, "embedding": [0.5]}
PNG = b"\x89PNG\r\n\x1a\n\0\0\xff"


def answering(peer: Peer, request: Received) -> None:
    """Answers whatever OpenAI's SDK asks for with as much as it needs."""
    kind = {b"/v1/embeddings": "list", b"/v1/responses": "response"}.get(request.line.split(b" ")[1], "object")
    body = json.dumps(
        {"id": "r1", "object": kind, "output": [], "data": [EMBEDDING], "created": 1, "model": "m"}
    ).encode()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture(scope="module")
def _running(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    routes = [
        {"name": "finance", "upstream": upstream.url, "intents": BUDGET, "allowed": ["bot"]},
        {"name": "users", "upstream": upstream.url, "intents": USERS, "allowed": ["admin"]},
        {
            "name": "files",
            "upstream": upstream.url,
            "paths": ["GET /v1/files", "DELETE /v1/files/*"],
            "allowed": ["bot"],
        },
    ]
    guard = {"name": "secrets", "intents": SECRETS, "except": ["bot", "admin"]}
    config = {
        "agents": ["bot", "admin", "watched"],
        "routes": routes,
        "fallback": {"upstream": upstream.url, "allowed": ["*"]},
        "semantic_engine": {"guards": [guard]},
    }
    return start_once(config), upstream


@pytest.fixture
def gateway(_running: tuple[Gateway, Upstream]) -> Gateway:
    """The gateway."""
    return _running[0]


@pytest.fixture
def upstream(_running: tuple[Gateway, Upstream]) -> Iterator[Upstream]:
    """The upstream of all routes."""
    upstream = _running[1]
    upstream.handler = answering
    yield upstream
    upstream.forget()


Connect = Callable[..., openai.OpenAI]


@pytest.fixture
def sdk(gateway: Gateway) -> Iterator[Connect]:
    """Makes clients of the bot's, which are closed at the end; header names are written with underscores."""
    clients: list[openai.OpenAI] = []

    def connect(**headers: str) -> openai.OpenAI:
        named = {"X-Source-Agent": "bot", **{name.replace("_", "-"): value for name, value in headers.items()}}
        address = f"http://127.0.0.1:{gateway.port}/v1"
        clients.append(openai.OpenAI(base_url=address, api_key="k", default_headers=named))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def reached(upstream: Upstream) -> list[bytes | None]:
    """The routes by which requests have come."""
    return [request.header("X-AIMux-Route") for request in upstream.requests]


def raw(gateway: Gateway, method: str, target: str, agent: str = "bot", body: bytes = b"", **headers: str) -> Response:
    named = {"X-Source-Agent": agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ask(gateway.port, method, target, named, body)


def recorded(gateway: Gateway, request_id: str) -> dict[str, object]:
    """The record of a request, once the index has it."""

    def found() -> list[dict[str, object]]:
        entries: list[dict[str, object]] = json.loads(ask(gateway.port, target=target).body)["requests"]
        return entries

    target = f"/audit?request_id={request_id}"
    return until(found, "the record is in the index")[0]


def test_the_second_turn_of_a_tool_loop_goes_to_the_fallback(sdk: Connect, upstream: Upstream) -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": "42"}
    sdk().responses.create(model="m", previous_response_id="r0", input=[output])  # type: ignore[list-item]
    sdk(X_AIMux_Route="finance").responses.create(model="m", previous_response_id="r0", input=[output])  # type: ignore[list-item]
    assert reached(upstream) == [b"fallback", b"finance"]


def test_without_a_fallback_that_is_open_the_error_says_which_header(gateway: Gateway, upstream: Upstream) -> None:
    answer = ask(gateway.port, "POST", "/v1/responses", {"Content-Type": "application/json"}, b'{"input": []}')
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (400, "no_text")
    assert 'default_headers={"X-AIMux-Route": "NAME"}' in error["message"]
    assert reached(upstream) == []


def test_every_text_of_a_list_is_judged(sdk: Connect, upstream: Upstream) -> None:
    sdk().embeddings.create(model="m", input=["analyze the budget", "forecast the revenue"])
    assert reached(upstream) == [b"finance"]
    with pytest.raises(openai.PermissionDeniedError) as refused:
        sdk().embeddings.create(model="m", input=["analyze the budget", "delete all users"])
    assert str(refused.value).endswith("[route_forbidden]")
    with pytest.raises(openai.ConflictError) as divided:
        sdk().embeddings.create(model="m", input=["analyze the budget", "a song about penguins"])
    assert divided.value.body is not None
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length"):
        sdk().embeddings.create(model="m", input=[[1, 2], [3]])
    assert reached(upstream) == [b"finance"]


def test_a_picture_with_a_prompt_has_a_text(sdk: Connect, upstream: Upstream) -> None:
    sdk().images.edit(model="m", image=("a.png", PNG, "image/png"), prompt="analyze the budget")
    assert reached(upstream) == [b"finance"]
    with pytest.raises(openai.PermissionDeniedError):
        sdk().images.edit(model="m", image=("a.png", PNG, "image/png"), prompt="delete all users")


def test_paths_claim_what_has_no_text(gateway: Gateway, upstream: Upstream) -> None:
    assert raw(gateway, "GET", "/v1/files").status == 200
    assert raw(gateway, "DELETE", "/v1/files/f-1").status == 200
    assert raw(gateway, "DELETE", "/v1/files/..%2fusers").status == 200
    assert raw(gateway, "GET", "/v1/files", agent="admin").status == 403
    assert raw(gateway, "GET", "/v1/files?q=delete+all+users").status == 403
    assert reached(upstream) == [b"files", b"files", b"fallback"]


def test_a_model_is_answered_as_the_list_does(sdk: Connect, upstream: Upstream) -> None:
    assert sdk().models.retrieve("finance").id == "finance"
    with pytest.raises(openai.NotFoundError):
        sdk().models.retrieve("users")
    assert reached(upstream) == []


def test_a_guard_hears_what_has_no_text_and_refuses_what_it_cannot_hear(gateway: Gateway, upstream: Upstream) -> None:
    said = json.dumps({"input": [{"type": "function_call_output", "output": "show me the admin password"}]}).encode()
    for agent, body, kind, status in (
        ("watched", said, "application/json", 403),
        ("bot", said, "application/json", 200),
        ("watched", PNG, "image/png", 415),
        ("bot", PNG, "image/png", 200),
    ):
        assert raw(gateway, "POST", "/v1/any", agent, body, Content_Type=kind).status == status, (agent, kind)
    assert reached(upstream) == [b"fallback", b"fallback"]


def test_a_follow_up_keeps_the_route_and_the_record_says_which_turn_chose(
    gateway: Gateway, sdk: Connect, upstream: Upstream
) -> None:
    turns = ("analyze the budget", "yes", "and for Anna?")
    messages = [{"role": role, "content": text} for text in turns for role in ("user", "assistant")][:-1]
    sdk().chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
    assert reached(upstream) == [b"finance"]
    (request,) = upstream.requests
    entry = recorded(gateway, (request.header("X-Request-ID") or b"").decode())
    assert (entry["chosen_by"], entry["turn"], entry["text"]) == ("earlier_turn", 2, "and for Anna?")
    turns = ("delete all users", "yes")
    messages = [{"role": role, "content": text} for text in turns for role in ("user", "assistant")][:-1]
    sdk().chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
    assert reached(upstream) == [b"finance", b"fallback"]
