"""Routes addressed by path: official SDKs with a base URL and nothing else, and what a reload changes."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import until

EVENTS = b"".join(
    b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": {"content": letter}, "finish_reason": None}]}).encode() + b"\n\n"
    for letter in "abc"
) + b"data: [DONE]\n\n"  # fmt: skip
ANSWERS: dict[bytes, dict[str, Any]] = {
    b"/base/v1/chat/completions": {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    },
    b"/base/v1/models": {
        "object": "list",
        "data": [{"id": "theirs", "object": "model", "created": 1, "owned_by": "them"}],
    },
    b"/base/v1/embeddings": {
        "object": "list",
        "model": "m",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    },
    b"/base/v1/messages": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "content": [{"type": "text", "text": "hello"}],
    },
}


def provider(peer: Peer, request: Received) -> None:
    """Answers as a provider of models does, below its base path."""
    if request.body and b'"stream":true' in request.body.replace(b" ", b""):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENTS), EVENTS))
        return
    answer = json.dumps(ANSWERS.get(request.line.split(b" ")[1], {"object": "none"})).encode()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


def routes(upstream: Upstream, prefix: str = "/files") -> list[dict[str, Any]]:
    """A restricted route behind a prefix."""
    return [{"name": "files", "upstream": f"{upstream.url}/base", "prefix": prefix, "allowed": ["finance-bot"]}]


@pytest.fixture
def upstream(new_upstream: NewUpstream) -> Upstream:
    """The provider of models."""
    made = new_upstream()
    made.handler = provider
    return made


@pytest.fixture
def gateway(start: Start, upstream: Upstream) -> Gateway:
    """A gateway with one route, which has a prefix."""
    return start({"agents": ["finance-bot"], "routes": routes(upstream)})


def test_the_sdk_of_openai(gateway: Gateway, upstream: Upstream) -> None:
    headers = {"X-Source-Agent": "finance-bot"}
    url = f"http://127.0.0.1:{gateway.port}/files/v1"
    with openai.OpenAI(base_url=url, api_key="sk", default_headers=headers, max_retries=0) as client:
        said = [{"role": "user", "content": "hi"}]
        answer = client.chat.completions.create(model="m", messages=said)  # type: ignore[call-overload]
        assert answer.choices[0].message.content == "hello"
        with client.chat.completions.create(model="m", messages=said, stream=True) as stream:  # type: ignore[call-overload]
            assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "abc"
        assert [model.id for model in client.models.list()] == ["theirs"]
        assert client.embeddings.create(model="m", input="hi", encoding_format="float").data[0].embedding == [0.5]
    asked = [request.line for request in upstream.requests]
    assert asked == [
        *(b"POST /base/v1/chat/completions HTTP/1.1", b"POST /base/v1/chat/completions HTTP/1.1"),
        *(b"GET /base/v1/models HTTP/1.1", b"POST /base/v1/embeddings HTTP/1.1"),
    ]
    assert {request.header("X-AIMux-Route") for request in upstream.requests} == {b"files"}
    asked_for = f"/audit?request_id={upstream.requests[-1].header('X-Request-ID').decode()}"  # type: ignore[union-attr]
    (entry,) = until(lambda: json.loads(ask(gateway.port, target=asked_for).body)["requests"], "the record")
    assert (entry["path"], entry["chosen_by"], entry["route"]) == ("/files/v1/embeddings", "prefix", "files")
    assert (entry["protocol"], entry["action"]) == ("openai", "embeddings")


def test_the_sdk_of_anthropic(gateway: Gateway, upstream: Upstream) -> None:
    url, headers = f"http://127.0.0.1:{gateway.port}/files", {"X-Source-Agent": "finance-bot"}
    with anthropic.Anthropic(base_url=url, api_key="sk", default_headers=headers, max_retries=0) as client:
        answer = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    assert [block.text for block in answer.content if block.type == "text"] == ["hello"]
    assert upstream.only.line == b"POST /base/v1/messages HTTP/1.1"


def test_a_prefix_grants_nothing_and_says_why(gateway: Gateway, upstream: Upstream) -> None:
    url = f"http://127.0.0.1:{gateway.port}/files/v1"
    with (
        openai.OpenAI(base_url=url, api_key="sk", max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError),
    ):
        client.models.list()
    differ = ask(
        gateway.port, headers={"X-AIMux-Route": "fallback", "X-Source-Agent": "finance-bot"}, target="/files/v1/x"
    )
    assert (differ.status, json.loads(differ.body)["error"]["code"]) == (400, "bad_request")
    assert gateway.request_line(differ.header("X-Request-ID"))["verdict"] == "bad_request"
    assert upstream.requests == []


def test_a_reload_moves_a_prefix_on_a_kept_connection(gateway: Gateway, upstream: Upstream) -> None:
    request = compose(headers={"X-Source-Agent": "finance-bot"}, target="/files/a/x")
    with Client(gateway.port) as client:
        for moved, target in (("/files", b"/base/a/x"), ("/files/a", b"/base/x"), ("/elsewhere", None)):
            gateway.reload({"agents": ["finance-bot"], "routes": routes(upstream, moved)})
            for _ in range(2):  # the second time it is remembered
                upstream.forget()
                client.send(request)
                answer = client.read_response()
                if target is None:
                    assert (answer.status, upstream.requests) == (400, [])
                else:
                    assert (answer.status, upstream.only.line) == (200, b"GET " + target + b" HTTP/1.1")
    shown = json.loads(ask(gateway.port, target="/routes").body)["routes"]
    assert [route["prefix"] for route in shown] == ["/elsewhere"]


def test_a_large_upload_is_streamed_and_a_head_has_no_body(gateway: Gateway, upstream: Upstream) -> None:
    size = 9 * 1024 * 1024
    headers = {"X-Source-Agent": "finance-bot", "Content-Type": "application/octet-stream"}
    before = gateway.resident_kib()
    answer = ask(gateway.port, method="POST", target="/files/upload?a=b", headers=headers, body=b"x" * size)
    assert answer.status == 200
    assert (upstream.only.line, len(upstream.only.body)) == (b"POST /base/upload?a=b HTTP/1.1", size)
    assert gateway.resident_kib() - before < size // 1024 // 2
    upstream.forget()
    with Client(gateway.port) as client:
        client.send(compose(method="HEAD", target="/files/x?y", headers={"X-Source-Agent": "finance-bot"}))
        assert client.read_response("HEAD").status == 200
    assert upstream.only.line == b"HEAD /base/x?y HTTP/1.1"


def test_routes_that_swap_their_prefixes_are_never_mixed(start: Start, upstream: Upstream) -> None:
    """Two workers, asked all the time: the route that is closed to the caller hears nothing of it."""

    def config(open_at: str, closed_at: str) -> dict[str, Any]:
        closed = {"name": "closed", "upstream": f"{upstream.url}/closed", "prefix": closed_at, "allowed": ["web-bot"]}
        found = [*routes(upstream, open_at), closed]
        return {"agents": ["finance-bot", "web-bot"], "server": {"workers": 2}, "routes": found}

    gateway = start(config("/files", "/web"))
    request = compose(headers={"X-Source-Agent": "finance-bot"}, target="/files/x")
    answers: Counter[int] = Counter()
    stopped = threading.Event()

    def keep_asking() -> None:
        with Client(gateway.port) as client:
            while not stopped.is_set():
                client.send(request)
                answers[client.read_response().status] += 1

    with ThreadPoolExecutor() as threads:
        asking = [threads.submit(keep_asking) for _ in range(2)]
        try:
            for at, (open_at, closed_at) in enumerate((("/web", "/files"), ("/files", "/web")) * 2):
                expected = (403, 200)[at % 2]
                gateway.reload(config(open_at, closed_at))
                before = answers[expected]
                until(lambda: answers[expected] > before, "an answer by the new prefixes")  # noqa: B023
        finally:
            stopped.set()
        for each in asking:
            each.result()
    assert set(answers) == {200, 403}
    assert {request.line for request in upstream.requests} == {b"GET /base/x HTTP/1.1"}
