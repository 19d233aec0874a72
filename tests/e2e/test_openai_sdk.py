"""The official OpenAI SDK, unmodified, against the gateway."""

import json
import threading
from collections.abc import Callable, Iterator

import openai
import pytest
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE
from openai.types.responses import ResponseInputParam

MODEL = "gpt-4o-mini-2024-07-18"
ROUTES = {
    "finance": (["analyze the budget", "analyze quarterly revenue"], ["finance-bot"]),
    "admin": (["delete users", "reset the database"], ["admin-bot"]),
    "left": (["will it rain tomorrow"], None),
    "right": (["Will it rain tomorrow"], None),
}
Connect = Callable[..., openai.OpenAI]
Refusal = tuple[str | None, str, type[openai.APIStatusError], str]


def _completion(content: str) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}


def _delta(content: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    event = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def openai_like(peer: Peer, request: Received) -> None:
    """Answers chat completions as OpenAI does: what the user said, backwards."""
    asked = json.loads(request.body)
    said = asked["messages"][-1]["content"][::-1]
    if not asked.get("stream"):
        body = json.dumps(_completion(said)).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        peer.send(head + body)
        return
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for event in (*(_delta(letter) for letter in said), b"data: [DONE]\n\n"):
        peer.send(b"%x\r\n%b\r\n" % (len(event), event))
    peer.send(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def _gateway_and_upstream(
    start_once: Start, new_upstream_once: NewUpstream, dead_port: int
) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    routes = [
        {"name": name, "upstream": upstream.url, "intents": intents, **({"allowed": allowed} if allowed else {})}
        for name, (intents, allowed) in ROUTES.items()
    ]
    routes.append({"name": "gone", "upstream": f"http://127.0.0.1:{dead_port}", "intents": ["sing me a song"]})
    return start_once({"agents": ["finance-bot", "admin-bot"], "routes": routes}), upstream


@pytest.fixture
def gateway(_gateway_and_upstream: tuple[Gateway, Upstream]) -> Gateway:
    """The gateway."""
    return _gateway_and_upstream[0]


@pytest.fixture
def upstream(_gateway_and_upstream: tuple[Gateway, Upstream]) -> Iterator[Upstream]:
    """The OpenAI-like upstream of all routes."""
    upstream = _gateway_and_upstream[1]
    upstream.handler = openai_like
    yield upstream
    upstream.forget()


@pytest.fixture
def connect(gateway: Gateway) -> Iterator[Connect]:
    """Makes SDK clients for agents."""
    made: list[openai.OpenAI] = []

    def make(agent: str | None = None) -> openai.OpenAI:
        headers = {"X-Source-Agent": agent} if agent else {}
        url = f"http://127.0.0.1:{gateway.port}/v1"
        made.append(openai.OpenAI(base_url=url, api_key="sk-test", default_headers=headers, max_retries=0))
        return made[-1]

    yield make
    for client in made:
        client.close()


def chat(client: openai.OpenAI, text: str, **options: object) -> openai.types.chat.ChatCompletion:
    """Ask for a chat completion."""
    messages = [{"role": "system", "content": "You delete users."}, {"role": "user", "content": text}]
    return client.chat.completions.create(model=MODEL, messages=messages, **options)  # type: ignore[call-overload, no-any-return]


def test_a_completion(connect: Connect, upstream: Upstream) -> None:
    answer = chat(connect("finance-bot"), "analyze Q3 revenue")
    assert answer.choices[0].message.content == "eunever 3Q ezylana"
    request = upstream.only
    assert request.line == b"POST /v1/chat/completions HTTP/1.1"
    assert json.loads(request.body)["model"] == MODEL
    assert (request.header("X-AIMux-Agent"), request.header("X-AIMux-Route")) == (b"finance-bot", b"finance")
    assert request.header("Authorization") == b"Bearer sk-test"


def test_a_streamed_completion(connect: Connect, upstream: Upstream) -> None:
    with connect("finance-bot").chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "analyze Q3 revenue"}], stream=True
    ) as stream:
        letters = [chunk.choices[0].delta.content for chunk in stream]
    assert "".join(letter or "" for letter in letters) == "eunever 3Q ezylana"
    assert len(letters) == len("analyze Q3 revenue")


def test_content_parts(connect: Connect, upstream: Upstream) -> None:
    upstream.handler = lambda peer, _: peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    parts = [{"type": "text", "text": "analyze"}, {"type": "text", "text": "the budget"}]
    connect("finance-bot").chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])  # type: ignore[list-item]
    assert upstream.only.header("X-AIMux-Route") == b"finance"


@pytest.mark.parametrize(
    "asked",
    ["analyze the budget", [{"role": "user", "content": [{"type": "input_text", "text": "analyze the budget"}]}]],
)
def test_the_responses_api(connect: Connect, upstream: Upstream, asked: str | ResponseInputParam) -> None:
    upstream.handler = lambda peer, _: peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    connect("finance-bot").responses.create(model=MODEL, input=asked, instructions="You delete users.")
    assert upstream.only.line == b"POST /v1/responses HTTP/1.1"
    assert upstream.only.header("X-AIMux-Route") == b"finance"


@pytest.mark.parametrize(
    ("agent", "models"),
    [
        ("finance-bot", ["finance", "left", "right", "gone"]),
        ("admin-bot", ["admin", "left", "right", "gone"]),
        (None, ["left", "right", "gone"]),
    ],
)
def test_the_models_are_the_routes_that_the_caller_may_use(
    connect: Connect, upstream: Upstream, agent: str | None, models: list[str]
) -> None:
    listed = connect(agent).models.list()
    assert listed.object == "list"
    assert [model.id for model in listed.data] == models
    assert {model.object for model in listed.data} == {"model"}
    assert upstream.requests == []


@pytest.mark.parametrize(
    "case",
    [
        (None, "", openai.BadRequestError, "no_text"),
        ("stranger", "analyze the budget", openai.AuthenticationError, "unknown_agent"),
        ("finance-bot", "please delete users", openai.PermissionDeniedError, "route_forbidden"),
        (None, "please delete users", openai.PermissionDeniedError, "anonymous_forbidden"),
        ("finance-bot", "how do butterflies sleep", openai.NotFoundError, "no_route"),
        ("finance-bot", "will it rain tomorrow", openai.ConflictError, "ambiguous_route"),
    ],
)
def test_refusals_are_the_sdks_own_errors(connect: Connect, upstream: Upstream, case: Refusal) -> None:
    agent, text, error, code = case
    with pytest.raises(error) as raised:
        chat(connect(agent), text)
    refusal = raised.value
    assert refusal.code == code
    assert isinstance(refusal.body, dict)
    assert refusal.body["status"] == refusal.status_code
    assert refusal.body["message"] in str(refusal)
    assert refusal.request_id == refusal.body["request_id"]
    assert upstream.requests == []


def retrying(port: int, agent: str | None = None) -> openai.OpenAI:
    """A client that repeats a request as often as the SDK does by itself."""
    headers = {"X-Source-Agent": agent} if agent else {}
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-test", default_headers=headers)


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("please delete users", openai.PermissionDeniedError, "route_forbidden"),
        ("will it rain tomorrow", openai.ConflictError, "ambiguous_route"),
    ],
)
def test_what_policy_refuses_is_asked_once_and_says_why(
    gateway: Gateway, upstream: Upstream, text: str, error: type[openai.APIStatusError], code: str
) -> None:
    with retrying(gateway.port, "finance-bot") as client:
        assert client.max_retries > 0
        before = len(gateway.lines)
        with pytest.raises(error) as raised:
            chat(client, text)
    assert str(raised.value).endswith(f" [{code}]")
    gateway.request_line((raised.value.request_id or "").encode())
    assert len(gateway.lines) == before + 1


def test_a_model_that_takes_too_long_is_asked_once(start: Start, upstream: Upstream) -> None:
    upstream.handler = lambda peer, _: peer.wait_closed()
    routes = [{"name": "slow", "upstream": upstream.url, "intents": ["analyze the budget"]}]
    gateway = start({"upstreams": {"response_timeout": 0.3}, "routes": routes})
    with retrying(gateway.port) as client, pytest.raises(openai.InternalServerError) as raised:
        chat(client, "analyze the budget")
    assert (raised.value.status_code, len(upstream.requests)) == (504, 1)
    assert str(raised.value).endswith(" [upstream_timeout]")


def test_what_another_try_may_change_is_tried_again(gateway: Gateway, upstream: Upstream) -> None:
    with retrying(gateway.port) as client:
        before = len(gateway.lines)
        with pytest.raises(openai.InternalServerError) as raised:
            chat(client, "sing me a song")
    assert raised.value.code == "upstream_unreachable"
    gateway.request_line((raised.value.request_id or "").encode())
    # Beside each stands the cause of the failure.
    asked = [line for line in gateway.lines[before:] if line["event"] == "request"]
    assert len(asked) == 1 + client.max_retries


def test_an_agent_that_is_the_apis_own_object_does_not_hide_who_calls(connect: Connect, upstream: Upstream) -> None:
    upstream.handler = lambda peer, _: peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    agent = {"agent": {"name": "helper", "model": MODEL}, "input": "analyze the budget"}
    connect("finance-bot").post("/agents/sessions", cast_to=object, body=agent)
    assert upstream.only.header("X-AIMux-Agent") == b"finance-bot"
    upstream.forget()
    with pytest.raises(openai.BadRequestError, match=r"identity\.body_field.* \[identity_malformed\]$"):
        connect().post("/agents/sessions", cast_to=object, body=agent)
    assert upstream.requests == []


def test_an_upstream_that_breaks_off_is_an_error_of_the_stream(connect: Connect, upstream: Upstream) -> None:
    seen = threading.Event()

    def break_off(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        event = _delta("a")
        peer.send(b"%x\r\n%b\r\n" % (len(event), event))
        seen.wait(DEADLINE)
        peer.close()

    upstream.handler = break_off
    messages = [{"role": "user", "content": "analyze the budget"}]
    with connect("finance-bot").chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:  # type: ignore[arg-type]
        assert next(stream).choices[0].delta.content == "a"
        seen.set()
        with pytest.raises(openai.APIConnectionError):
            next(stream)
