"""Event streams that fall silent: comments keep their clients, the idle ones of a GET end, all others are cut."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE, until

PLAIN = {"X-AIMux-Route": "plain"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
COMMENT = b": keepalive\n\n"
EVENT = b"data: one\n\n"
Line = tuple[Gateway, Upstream]


def chunk(data: bytes) -> bytes:
    """One chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def silent(*pieces: bytes) -> Callable[[Peer, Received], None]:
    """Sends these bytes and then nothing more."""

    def answer(peer: Peer, _: Received) -> None:
        for piece in pieces:
            peer.send(piece)
        peer.wait_closed()

    return answer


@pytest.fixture(scope="module")
def _quiet(start_once: Start, new_upstream_once: NewUpstream) -> Line:
    upstream = new_upstream_once()
    routes = [{"name": "plain", "upstream": upstream.url}]
    return start_once({"upstreams": {"idle_timeout": 0.4}, "routes": routes}), upstream


@pytest.fixture(scope="module")
def _commented(start_once: Start, new_upstream_once: NewUpstream) -> Line:
    upstream = new_upstream_once()
    routes = [{"name": "plain", "upstream": upstream.url}]
    timeouts = {"idle_timeout": 1.0, "response_timeout": 0.5}
    return start_once({"server": {"sse_keepalive": 0.1}, "upstreams": timeouts, "routes": routes}), upstream


@pytest.fixture
def quiet(_quiet: Line) -> Iterator[Line]:
    """A gateway that waits only briefly for the next piece of a response, and its upstream."""
    yield _quiet
    _quiet[1].forget()


@pytest.fixture
def commented(_commented: Line) -> Iterator[Line]:
    """A gateway that comments silent event streams, and its upstream."""
    yield _commented
    _commented[1].forget()


def outcome_of(gateway: Gateway, request_id: bytes | None) -> dict[str, Any]:
    """What the audit log says of a request that has ended."""
    assert request_id is not None

    def look() -> dict[str, Any] | None:
        page = ask(gateway.port, target=f"/audit?request_id={request_id.decode()}")
        found = json.loads(page.body)["requests"] if page.status == 200 else []
        return found[0] if found and found[0]["ended"] else None

    entry = until(look, "the record of the request")
    assert entry is not None
    return entry


@pytest.mark.fault
@pytest.mark.parametrize("pieces", [(CHUNKED,), (CHUNKED, chunk(EVENT)), (HEAD + b"\r\n", EVENT)])
def test_an_idle_stream_of_a_get_ends_and_leaves_the_connection(quiet: Line, pieces: tuple[bytes, ...]) -> None:
    gateway, upstream = quiet
    upstream.handler = silent(*pieces)
    with under_load(gateway.port), Client(gateway.port) as client:
        client.send(compose("GET", "/mcp", PLAIN))
        response = client.read_response()
        assert response.body == (EVENT if len(pieces) == 2 else b"")
        client.send(compose("GET", "/v1/models"))
        assert client.read_response().status == 200
    assert gateway.request_line(response.header("X-Request-ID"))["ended"] == "idle"
    entry = outcome_of(gateway, response.header("X-Request-ID"))
    assert (entry["ended"], entry["verdict"], entry["bytes"]) == ("idle", "forward", len(response.body))
    assert not [
        line for line in gateway.lines if line["event"] == "fault" and line["request_id"] == entry["request_id"]
    ]


def test_an_idle_stream_to_an_old_client_ends_with_its_connection(quiet: Line) -> None:
    gateway, upstream = quiet
    upstream.handler = silent(CHUNKED, chunk(EVENT))
    with Client(gateway.port) as client:
        client.send(compose("GET", "/mcp", PLAIN, version="1.0"))
        client.read_head()
        assert client.read_to_end() == EVENT


@pytest.mark.fault
@pytest.mark.parametrize(
    ("method", "pieces"),
    [
        ("GET", (CHUNKED, chunk(b"data: o"))),
        ("GET", (CHUNKED, chunk(b"data: one\r\n"))),
        ("POST", (CHUNKED, chunk(EVENT))),
        ("GET", (HEAD + b"Content-Length: 100\r\n\r\n", EVENT)),
        ("GET", (HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(EVENT))),
        ("GET", (CHUNKED.replace(b"text/event-stream", b"text/plain"), chunk(EVENT))),
    ],
    ids=["in a line", "in an event", "POST", "with a length", "encoded", "another type"],
)
def test_other_idle_responses_are_cut(quiet: Line, method: str, pieces: tuple[bytes, ...]) -> None:
    gateway, upstream = quiet
    upstream.handler = silent(*pieces)
    with under_load(gateway.port), Client(gateway.port) as client:
        client.send(compose(method, "/mcp", PLAIN))
        head = client.read_head()
        rest, _ = client.ending()
        assert not rest.endswith(b"0\r\n\r\n")
    assert gateway.request_line(head.header("X-Request-ID"))["ended"] == "truncated"


def test_a_silent_stream_is_commented_and_its_bytes_are_counted(commented: Line) -> None:
    gateway, upstream = commented
    told = threading.Event()

    def pause(peer: Peer, _: Received) -> None:
        peer.send(CHUNKED)
        told.wait(DEADLINE)
        peer.send(chunk(EVENT) + b"0\r\n\r\n")

    upstream.handler = pause
    with Client(gateway.port) as client:
        client.send(compose("POST", "/v1/chat/completions", PLAIN))
        head = client.read_head()
        assert [client.read_chunk(), client.read_chunk()] == [COMMENT, COMMENT]
        told.set()
        rest = []
        while piece := client.read_chunk():
            rest.append(piece)
    assert [piece for piece in rest if piece != COMMENT] == [EVENT]
    entry = outcome_of(gateway, head.header("X-Request-ID"))
    assert (entry["ended"], entry["bytes"]) == ("completed", len(COMMENT * 2 + b"".join(rest)))


@pytest.mark.parametrize(
    ("method", "path", "pieces"),
    [
        ("POST", "/events", (CHUNKED, chunk(b"data: o"))),
        ("POST", "/v1beta/models/gemini:streamGenerateContent?alt=sse", (CHUNKED, chunk(EVENT))),
        ("POST", "/api/chat", (CHUNKED.replace(b"text/event-stream", b"application/x-ndjson"), chunk(b"{}\n\n"))),
        ("POST", "/events", (HEAD + b"Content-Length: 100\r\n\r\n", EVENT)),
    ],
    ids=["in an event", "Gemini", "JSON lines", "with a length"],
)
def test_other_streams_are_not_commented(commented: Line, method: str, path: str, pieces: tuple[bytes, ...]) -> None:
    gateway, upstream = commented
    upstream.handler = silent(*pieces)
    with Client(gateway.port) as client:
        client.send(compose(method, path, PLAIN))
        client.read_head()
        assert client.ending()[0] == pieces[1]


def test_comments_do_not_keep_an_idle_stream(commented: Line) -> None:
    gateway, upstream = commented
    upstream.handler = silent(CHUNKED, chunk(EVENT))
    with Client(gateway.port) as client:
        client.send(compose("POST", "/events", PLAIN))
        client.read_head()
        assert client.read_chunk() == EVENT
        rest, _ = client.ending()
    assert rest == chunk(COMMENT) * (len(rest) // len(chunk(COMMENT)))
    assert rest


def test_nothing_is_sent_before_the_upstreams_head(commented: Line) -> None:
    gateway, upstream = commented
    upstream.handler = silent(CHUNKED[:-2])
    with Client(gateway.port) as client:
        client.send(compose("GET", "/events", PLAIN))
        response = client.read_response()
    assert (response.status, response.interim) == (504, [])


def pausing(events: list[bytes]) -> Callable[[Peer, Received], None]:
    """Sends events, each behind a silence in which the client is sent comments."""

    def answer(peer: Peer, _: Received) -> None:
        peer.send(CHUNKED)
        for event in events:
            threading.Event().wait(0.25)
            peer.send(chunk(event))
        peer.send(b"0\r\n\r\n")

    return answer


def test_openais_sdk_passes_over_comments(commented: Line) -> None:
    gateway, upstream = commented
    choices = [{"index": 0, "delta": {"content": letter}, "finish_reason": None} for letter in "abc"]
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    documents = [json.dumps({**base, "choices": [choice]}).encode() for choice in choices]
    events = [b"data: %b\n\n" % document for document in (*documents, b"[DONE]")]
    upstream.handler = pausing(events)
    before = len(gateway.lines)
    url = f"http://127.0.0.1:{gateway.port}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-test", default_headers=PLAIN, max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "spell it"}]
        with client.chat.completions.create(model="m", messages=messages, stream=True) as stream:
            assert [part.choices[0].delta.content for part in stream] == ["a", "b", "c"]
    assert_commented(gateway, before, events)


def test_anthropics_sdk_passes_over_comments(commented: Line) -> None:
    gateway, upstream = commented
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    documents: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "abc"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]
    events = [f"event: {each['type']}\r\ndata: {json.dumps(each)}\r\n\r\n".encode() for each in documents]
    upstream.handler = pausing(events)
    before = len(gateway.lines)
    url = f"http://127.0.0.1:{gateway.port}"
    with anthropic.Anthropic(base_url=url, api_key="sk-test", default_headers=PLAIN, max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "spell it"}]
        with client.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
            assert stream.get_final_text() == "abc"
    assert_commented(gateway, before, events)


def assert_commented(gateway: Gateway, before: int, events: list[bytes]) -> None:
    """The SDK's response was longer than its events by some comments."""
    line = gateway.wait_line(lambda each: each["event"] == "request" and each["path"].startswith("/v1/"), after=before)
    more = outcome_of(gateway, line["request_id"].encode())["bytes"] - len(b"".join(events))
    assert more > 0
    assert more % len(COMMENT) == 0
