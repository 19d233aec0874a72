"""The official Anthropic SDK, unmodified, against the gateway."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE

MODEL = "claude-of-no-version"  # the SDK warns of the names of old models
ROUTES = {
    "finance": (["analyze the budget", "analyze quarterly revenue"], ["finance-bot"]),
    "admin": (["delete users", "reset the database"], ["admin-bot"]),
    "left": (["will it rain tomorrow"], None),
    "right": (["Will it rain tomorrow"], None),
}
TOOLS: Any = [{"name": "revenue", "input_schema": {"type": "object", "properties": {"quarter": {"type": "string"}}}}]
Connect = Callable[..., anthropic.Anthropic]
Refusal = tuple[str | None, str, type[anthropic.APIStatusError], str]
Event = dict[str, Any]


def _message(*content: Event) -> Event:
    reason = "tool_use" if content and content[-1]["type"] == "tool_use" else "end_turn"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": list(content)}
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}


def _events(said: str) -> Iterator[Event]:
    yield {"type": "message_start", "message": {**_message(), "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for letter in said:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": letter}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def send_document(peer: Peer, document: Event) -> None:
    """Answer with one JSON document."""
    body = json.dumps(document).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    peer.send(head + body)


def send_event(peer: Peer, event: Event) -> None:
    """Send one event of a stream."""
    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    peer.send(b"%x\r\n%b\r\n" % (len(data), data))


def begin_stream(peer: Peer) -> None:
    """Send the head of a stream."""
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")


def anthropic_like(peer: Peer, request: Received) -> None:
    """Answers messages as Anthropic does: a call of the tool that is offered, or what the user said, backwards."""
    asked = json.loads(request.body)
    content = asked["messages"][-1]["content"]
    if isinstance(content, list):
        send_document(peer, _message({"type": "text", "text": "the tool has answered"}))
    elif asked.get("tools"):
        call = {"type": "tool_use", "id": "call_1", "name": asked["tools"][0]["name"], "input": {"quarter": "Q3"}}
        send_document(peer, _message(call))
    elif asked.get("stream"):
        begin_stream(peer)
        for event in _events(content[::-1]):
            send_event(peer, event)
        peer.send(b"0\r\n\r\n")
    else:
        send_document(peer, _message({"type": "text", "text": content[::-1]}))


@pytest.fixture(scope="module")
def _gateway_and_upstream(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    routes = [
        {"name": name, "upstream": upstream.url, "intents": intents, **({"allowed": allowed} if allowed else {})}
        for name, (intents, allowed) in ROUTES.items()
    ]
    config = {
        "agents": ["finance-bot", "admin-bot"],
        "routes": [*routes, {"name": "silent", "upstream": upstream.url}],
        "upstreams": {"response_timeout": 0.5},
    }
    return start_once(config), upstream


@pytest.fixture
def gateway(_gateway_and_upstream: tuple[Gateway, Upstream]) -> Gateway:
    """The gateway of this file's tests."""
    return _gateway_and_upstream[0]


@pytest.fixture
def upstream(_gateway_and_upstream: tuple[Gateway, Upstream]) -> Iterator[Upstream]:
    """The Anthropic-like upstream of all routes."""
    upstream = _gateway_and_upstream[1]
    upstream.handler = anthropic_like
    yield upstream
    upstream.forget()


@pytest.fixture
def connect(gateway: Gateway) -> Iterator[Connect]:
    """Makes SDK clients for agents, which try as often as they do by default."""
    made: list[anthropic.Anthropic] = []

    def make(agent: str | None = None, **headers: str) -> anthropic.Anthropic:
        named = {"X-Source-Agent": agent} if agent else {}
        url = f"http://127.0.0.1:{gateway.port}"
        made.append(anthropic.Anthropic(base_url=url, api_key="sk-test", default_headers={**named, **headers}))
        return made[-1]

    yield make
    for client in made:
        client.close()


def say(client: anthropic.Anthropic, *turns: Any, **options: Any) -> anthropic.types.Message:
    """Ask for a message: the first turn is the user's, and then they alternate."""
    roles = ("user", "assistant")
    messages: Any = [{"role": roles[number % 2], "content": content} for number, content in enumerate(turns)]
    answer = client.messages.create(model=MODEL, max_tokens=9, system="You delete users.", messages=messages, **options)
    assert isinstance(answer, anthropic.types.Message)
    return answer


def test_a_message(connect: Connect, upstream: Upstream) -> None:
    answer = say(connect("finance-bot"), "analyze Q3 revenue")
    assert answer.content[0].to_dict() == {"type": "text", "text": "eunever 3Q ezylana"}
    request = upstream.only
    assert request.line == b"POST /v1/messages HTTP/1.1"
    assert (request.header("X-AIMux-Agent"), request.header("X-AIMux-Route")) == (b"finance-bot", b"finance")
    assert b"sk-test" in (request.header("Authorization") or request.header("X-Api-Key") or b"")


def test_a_streamed_message(connect: Connect, upstream: Upstream) -> None:
    messages: Any = [{"role": "user", "content": "analyze Q3 revenue"}]
    with connect("finance-bot").messages.stream(model=MODEL, max_tokens=9, messages=messages) as stream:
        letters = list(stream.text_stream)
    assert letters == list("eunever 3Q ezylana")


@pytest.mark.parametrize("result", ["42 million", "delete users", [{"type": "text", "text": "reset the database"}]])
def test_the_result_of_a_tool_goes_where_the_call_went(connect: Connect, upstream: Upstream, result: object) -> None:
    client = connect("finance-bot")
    asked = "analyze Q3 revenue"
    called = say(client, asked, tools=TOOLS)
    call = called.content[0]
    assert isinstance(call, anthropic.types.ToolUseBlock)
    given = [{"type": "tool_result", "tool_use_id": call.id, "content": result}]
    answer = say(client, asked, called.content, given, tools=TOOLS)
    assert answer.content[0].to_dict()["text"] == "the tool has answered"
    assert [request.header("X-AIMux-Route") for request in upstream.requests] == [b"finance", b"finance"]


def test_what_the_user_says_beside_a_result_is_what_counts(connect: Connect, upstream: Upstream) -> None:
    call = [{"type": "tool_use", "id": "call_1", "name": "revenue", "input": {}}]
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "42 million"}
    with pytest.raises(anthropic.PermissionDeniedError):
        say(connect("finance-bot"), "analyze Q3 revenue", call, [result, {"type": "text", "text": "delete users"}])
    assert upstream.requests == []


def test_the_models_are_the_routes_that_the_caller_may_use(connect: Connect, upstream: Upstream) -> None:
    listed = connect("finance-bot").models.list()
    assert [model.id for model in listed.data] == ["finance", "left", "right", "silent"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "case",
    [
        (None, "", anthropic.BadRequestError, "no_text"),
        ("stranger", "analyze the budget", anthropic.AuthenticationError, "unknown_agent"),
        ("finance-bot", "please delete users", anthropic.PermissionDeniedError, "route_forbidden"),
        (None, "please delete users", anthropic.PermissionDeniedError, "anonymous_forbidden"),
        ("finance-bot", "how do butterflies sleep", anthropic.NotFoundError, "no_route"),
        ("finance-bot", "will it rain tomorrow", anthropic.ConflictError, "ambiguous_route"),
    ],
)
def test_refusals_are_the_sdks_own_errors_and_are_not_tried_again(
    gateway: Gateway, connect: Connect, upstream: Upstream, case: Refusal
) -> None:
    agent, text, error, code = case
    before = len(gateway.lines)
    with pytest.raises(error) as raised:
        say(connect(agent), text)
    refusal = raised.value
    assert isinstance(refusal.body, dict)
    told = refusal.body["error"]
    assert (told["code"], told["status"]) == (code, refusal.status_code)
    assert told["message"] in str(refusal) or code in str(refusal)
    assert refusal.request_id == told["request_id"]
    assert upstream.requests == []
    assert verdicts(gateway, before) == [code]


def test_an_upstream_that_says_nothing_is_not_asked_again(
    gateway: Gateway, connect: Connect, upstream: Upstream
) -> None:
    upstream.handler = lambda peer, _: peer.wait_closed()
    before = len(gateway.lines)
    with pytest.raises(anthropic.APIStatusError) as raised:
        say(connect("finance-bot", **{"X-AIMux-Route": "silent"}), "analyze the budget")
    assert raised.value.status_code == 504
    assert verdicts(gateway, before) == ["upstream_timeout"]
    assert len(upstream.requests) == 1


def verdicts(gateway: Gateway, before: int) -> list[str]:
    """The verdicts of the requests whose log lines come after the first so many, one of our own left out."""
    mark = ask(gateway.port)
    gateway.request_line(mark.header("X-Request-ID"))
    lines = [line for line in gateway.lines[before:] if line["event"] == "request"]
    return [line["verdict"] for line in lines[:-1]]


def test_an_upstream_that_breaks_off_is_an_error_of_the_stream(connect: Connect, upstream: Upstream) -> None:
    seen = threading.Event()

    def break_off(peer: Peer, _: Received) -> None:
        begin_stream(peer)
        for event in list(_events("ab"))[:3]:
            send_event(peer, event)
        seen.wait(DEADLINE)
        peer.close()

    upstream.handler = break_off
    messages: Any = [{"role": "user", "content": "analyze the budget"}]
    with connect("finance-bot").messages.stream(model=MODEL, max_tokens=9, messages=messages) as stream:
        letters = stream.text_stream
        assert next(letters) == "a"
        seen.set()
        with pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)):
            next(letters)
