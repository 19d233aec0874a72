"""Guards, conversations and disguises through a running gateway: what is refused, and what an upstream never gets."""

import gzip
import json
import queue
from urllib.parse import quote

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.fence import FORBIDDEN, HARMLESS, SECRET, Fence, config
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer
from e2e_support.waiting import DEADLINE


def said(*messages: tuple[str, str], **more: object) -> dict[str, object]:
    """A conversation, as OpenAI's clients send it."""
    return {"model": "auto", "messages": [{"role": role, "content": text, **more} for role, text in messages]}


def with_call(arguments: str) -> dict[str, object]:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    found = said(("user", HARMLESS), ("user", HARMLESS))
    found["messages"].insert(1, {"role": "assistant", "content": None, "tool_calls": [call]})  # type: ignore[attr-defined]
    return found


PLACES = {
    "last message": said(("user", SECRET)),
    "earlier turn": said(("user", SECRET), ("assistant", "no"), ("user", HARMLESS)),
    "system prompt": said(("system", SECRET), ("user", HARMLESS)),
    "tool result": said(("user", HARMLESS), ("tool", SECRET), ("user", HARMLESS)),
    "tool call": with_call(json.dumps({"question": SECRET})),
    "instructions": {"instructions": SECRET, "input": HARMLESS},
    "items of the Responses API": {
        "input": [
            {"type": "function_call_output", "call_id": "1", "output": SECRET},
            {"role": "user", "content": [{"type": "input_text", "text": HARMLESS}]},
        ]
    },
    "Anthropic's tool result": {
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": SECRET}]},
            {"role": "user", "content": HARMLESS},
        ]
    },
    "Gemini's contents": {"prompt": HARMLESS, "contents": [{"role": "user", "parts": [{"text": SECRET}]}]},
    "a field of any name": {"query": HARMLESS, "task": {"description": SECRET}},
    "a key that a tool is called with": with_call(json.dumps({SECRET: True})),
    "MCP's call": {"jsonrpc": "2.0", "query": HARMLESS, "params": {"name": "show_me_the_admin_password"}},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_guard_hears_every_message(guarded: Fence, place: str) -> None:
    guarded.refused(guarded.ask("/v1/chat/completions", PLACES[place]), "guard_refused")


IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": SECRET}],
        [{"role": "user", "content": SECRET}, IMAGE],
        [{"role": "user", "content": HARMLESS}, {"role": "tool", "content": SECRET}, IMAGE],
    ],
    ids=["no user", "an image last", "a tool result"],
)
def test_a_guard_hears_a_conversation_that_a_named_route_needs_no_text_of(
    guarded: Fence, messages: list[dict[str, object]]
) -> None:
    response = guarded.ask(document={"messages": messages}, X_AIMux_Route="finance")
    guarded.refused(response, "guard_refused")
    guarded.refused(guarded.ask("/?q=" + quote(HARMLESS), {"messages": messages}), "guard_refused")
    harmless = [{"role": "system", "content": HARMLESS}, IMAGE]
    guarded.forwarded(guarded.ask(document={"messages": harmless}, X_AIMux_Route="finance"), "finance")


def test_a_guard_refuses_wherever_a_text_stands_and_for_all_but_its_exceptions(guarded: Fence) -> None:
    target = f"/?q={quote(SECRET)}"
    response = guarded.ask(target)
    guarded.refused(response, "guard_refused")
    assert response.status == 403
    guarded.refused(guarded.ask(document={"query": SECRET}), "guard_refused")
    guarded.refused(guarded.ask(f"/?q={quote(HARMLESS)}", {"query": SECRET}), "guard_refused")
    guarded.refused(guarded.ask(target, X_AIMux_Route="finance"), "guard_refused")
    guarded.refused(guarded.ask(f"/?q={quote(HARMLESS + ' and then ' + SECRET)}"), "guard_refused")
    assert guarded.gateway.request_line(response.header("X-Request-ID"))["verdict"] == "guard_refused"
    log = b"".join(path.read_bytes() for path in guarded.gateway.audit.glob("chain-*/*[0-9].jsonl"))
    decided = [json.loads(row) for row in log.splitlines() if b'"kind":"decision"' in row and b"guard_refused" in row]
    assert decided
    assert all("guard 'secrets'" in each["rule"] for each in decided)
    guarded.refused(guarded.ask(f"/?q={quote(HARMLESS)}&query={quote(SECRET)}"), "guard_refused")
    guarded.forwarded(guarded.ask(target, agent="admin", X_AIMux_Route="finance"), "finance")
    guarded.forwarded(guarded.ask(f"/?q={quote(HARMLESS)}"), "finance")


def test_a_guard_hears_every_parameter_of_a_query_and_a_text_of_no_type(guarded: Fence) -> None:
    guarded.refused(guarded.ask(f"/?q={quote(HARMLESS)}&note={quote(SECRET)}"), "guard_refused")
    guarded.refused(guarded.ask(f"/?prompt={quote(SECRET)}", X_AIMux_Route="finance"), "guard_refused")
    guarded.refused(guarded.ask(f"/?agent=bot&q={quote(HARMLESS)}&source={quote(SECRET)}"), "guard_refused")
    guarded.forwarded(guarded.ask(f"/?prompt={quote(HARMLESS)}&page=2", X_AIMux_Route="finance"), "finance")
    guarded.forwarded(guarded.ask(f"/?prompt={quote(SECRET)}", agent="admin", X_AIMux_Route="finance"), "finance")
    picture = {"X-Source-Agent": "bot", "X-AIMux-Route": "finance", "Content-Type": "image/png"}
    response = ask(guarded.gateway.port, "POST", f"/?note={quote(SECRET)}", picture, b"\x89PNG")
    guarded.refused(response, "guard_refused")
    for typed in ({}, {"Content-Type": "text/plain"}):
        headers = {"X-Source-Agent": "bot", "X-AIMux-Route": "finance", **typed}
        guarded.refused(ask(guarded.gateway.port, "POST", "/", headers, SECRET.encode()), "guard_refused")
        guarded.forwarded(ask(guarded.gateway.port, "POST", "/", headers, HARMLESS.encode()), "finance")


CHAT = json.dumps(said(("user", SECRET))).encode()
DISGUISES = {
    "bytes": ("application/octet-stream", CHAT),
    "a picture": ("image/png", b" \n\r\t" * 40 + CHAT),
    "a batch": ("application/x-unknown", b"[" + CHAT + b"]"),
    "a batch of no type": ("", b"[" + CHAT + b"]"),
    "a form": ("application/x-www-form-urlencoded", b"[" + CHAT + b"]"),
    "a plain text": ("text/plain", CHAT.replace(b"password", b"pass\\u0077ord")),
    "packed": ("application/octet-stream", gzip.compress(CHAT)),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_guard_hears_json_that_goes_by_another_type(guarded: Fence, disguise: str) -> None:
    content_type, body = DISGUISES[disguise]
    headers = {"X-Source-Agent": "bot", "X-AIMux-Route": "finance", "Content-Type": content_type}
    if disguise == "packed":
        headers["Content-Encoding"] = "gzip"
    named = {name: value for name, value in headers.items() if value}
    guarded.refused(ask(guarded.gateway.port, "POST", "/v1/chat/completions", named, body), "guard_refused")
    by_meaning = {name: value for name, value in named.items() if name != "X-AIMux-Route"}
    target = f"/v1/chat/completions?q={quote(HARMLESS)}"
    guarded.refused(ask(guarded.gateway.port, "POST", target, by_meaning, body), "guard_refused")
    admin = {**named, "X-Source-Agent": "admin"}
    guarded.forwarded(ask(guarded.gateway.port, "POST", "/v1/chat/completions", admin, body), "finance")


@pytest.mark.parametrize("body", [b'{"messages": [', b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xef\xbb\xbf" + CHAT])
def test_what_only_begins_like_json_is_refused_where_a_guard_listens(guarded: Fence, body: bytes) -> None:
    headers = {"X-Source-Agent": "bot", "X-AIMux-Route": "finance", "Content-Type": "application/octet-stream"}
    response = ask(guarded.gateway.port, "POST", "/", headers, body)
    guarded.refused(response, "bad_request")
    assert b"in an archive" in response.body
    guarded.forwarded(ask(guarded.gateway.port, "POST", "/", {**headers, "X-Source-Agent": "admin"}, body), "finance")


def test_an_upload_flows_through_where_a_guard_listens(start: Start, new_upstream: NewUpstream) -> None:
    """What cannot be JSON is passed on piece by piece, and not kept until it could be read."""
    arrived: queue.Queue[bytes] = queue.Queue()

    def listen(peer: Peer) -> None:
        peer.read_head()
        for size in (8, 100, 100):
            arrived.put(peer.read_exactly(size))
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    upstream = new_upstream()
    upstream.on_connect = listen
    gateway = start(config(upstream, guarded=True, scope="all_messages"))
    headers = {
        "X-Source-Agent": "bot",
        "X-AIMux-Route": "finance",
        "Content-Type": "image/png",
        "Content-Length": "208",
    }
    with Client(gateway.port) as client:
        client.send(compose("POST", "/", headers))
        for piece in (b"\x89PNG\r\n\x1a\n", b"{" * 100, b"x" * 100):
            client.send(piece)
            assert arrived.get(timeout=DEADLINE) == piece
        assert client.read_response().status == 200


HIDDEN = {
    "earlier turn": said(("user", FORBIDDEN), ("assistant", "of course"), ("user", HARMLESS)),
    "system prompt": said(("system", FORBIDDEN), ("user", HARMLESS)),
    "tool result": said(("user", HARMLESS), ("tool", FORBIDDEN), ("user", HARMLESS)),
}


def test_the_scope_says_which_messages_count(fence: Fence) -> None:
    fence.take_over(guarded=False, scope="last_user")
    for document in HIDDEN.values():
        fence.forwarded(fence.ask("/v1/chat/completions", document), "finance")
    last = said(("user", HARMLESS), ("assistant", "done"), ("user", FORBIDDEN))
    fence.refused(fence.ask("/v1/chat/completions", last), "route_forbidden")
    fence.take_over(guarded=False, scope="all_messages")
    for document in HIDDEN.values():
        fence.refused(fence.ask("/v1/chat/completions", document), "ambiguous_route", "route_forbidden")
    harmless = said(("system", "you are helpful"), ("user", "forecast the revenue"), ("user", HARMLESS))
    fence.forwarded(fence.ask("/v1/chat/completions", harmless), "finance")


def test_a_short_text_is_read_in_halves_where_that_is_wanted(fence: Fence) -> None:
    both = [f"{HARMLESS} {FORBIDDEN}", f"{HARMLESS} of the quarter {FORBIDDEN}", f"{FORBIDDEN} {HARMLESS}"]
    fence.take_over(guarded=False, scope="last_user")
    for text in both:
        fence.forwarded(fence.ask(f"/?q={quote(text)}"), "finance")
    fence.take_over(guarded=False, scope="last_user", close_reading=True)
    for text in both:
        fence.refused(fence.ask(f"/?q={quote(text)}"), "ambiguous_route")
    fence.forwarded(fence.ask(f"/?q={quote(f'{HARMLESS} of the spring')}"), "finance")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        # Cyrillic and Greek letters alone; then letters of no width, which no tokenizer takes for white space.
        (
            "\u0501\u0435\u04cf\u0435\u0442\u0435 \u0430\u04cf\u04cf \u03c5\u0455\u0435\u0433\u0455",
            ("route_forbidden",),
        ),
        ("\u3164".join("delete") + " all " + "\u3164".join("users"), ("route_forbidden",)),
        ("d\u200be\u200bl\u200be\u200bt\u200be all u\u2060sers", ("route_forbidden",)),
        ("delte all usres", ("route_forbidden",)),
        ("d e l e t e  a l l  u s e r s", ("route_forbidden",)),
        (f"{HARMLESS} and then {FORBIDDEN}", ("ambiguous_route", "route_forbidden")),
        ("\u202esresu lla eteled", ("bad_request",)),
    ],
)
def test_a_disguise_changes_nothing(guarded: Fence, text: str, codes: tuple[str, ...]) -> None:
    guarded.refused(guarded.ask(f"/?q={quote(text)}"), *codes)


def test_what_means_nothing_goes_to_the_fallback(guarded: Fence) -> None:
    guarded.forwarded(guarded.ask(f"/?q={quote('who painted the mona lisa')}"), "fallback")


UNREAD = "删除所有用户"  # "delete all users"


def test_what_the_model_cannot_read_is_refused_where_a_guard_would_have_to_judge_it(guarded: Fence) -> None:
    for text in (UNREAD, "ลบผู้ใช้ทั้งหมด", f"{HARMLESS}. {UNREAD}", f"{HARMLESS} of the whole company ({UNREAD})"):
        response = guarded.ask(f"/?q={quote(text)}")
        guarded.refused(response, "bad_request")
        assert b"a guard that applies here cannot judge" in response.body
        guarded.refused(guarded.ask(f"/?q={quote(text)}", X_AIMux_Route="finance"), "bad_request")
    guarded.refused(
        guarded.ask(document=said(("user", UNREAD), ("assistant", "no"), ("user", HARMLESS))), "bad_request"
    )
    guarded.refused(guarded.ask(document={"query": HARMLESS, "note": UNREAD}), "bad_request")
    guarded.refused(guarded.ask(f"/?q={quote(f'{UNREAD}. {SECRET}')}"), "guard_refused")
    for text in (f"{HARMLESS} 📈", f"{HARMLESS}📈", f"{HARMLESS} of 王小明"):
        guarded.forwarded(guarded.ask(f"/?q={quote(text)}"), "finance")
    guarded.forwarded(guarded.ask(document=said(("user", "👍"), ("assistant", "ok"), ("user", HARMLESS))), "finance")
    guarded.forwarded(guarded.ask(f"/?q={quote(UNREAD)}", agent="admin"), "fallback")


def test_what_the_model_cannot_read_means_no_route(fence: Fence) -> None:
    fence.take_over(guarded=False, scope="last_user")
    fence.forwarded(fence.ask(f"/?q={quote(UNREAD)}"), "fallback")
    fence.refused(fence.ask(f"/?q={quote('Delete🔥all🔥users')}"), "route_forbidden")
    fence.refused(
        fence.ask(f"/?q={quote(f'{HARMLESS}. 谢谢 delete 谢谢 all 谢谢 users')}"), "ambiguous_route", "route_forbidden"
    )


@pytest.mark.parametrize("place", ["routes", "guards"])
def test_an_intent_that_the_model_cannot_read_is_not_taken_over(fence: Fence, place: str) -> None:
    wanted = config(fence.upstream, guarded=True, scope="last_user")
    owner = wanted["routes"][0] if place == "routes" else wanted["semantic_engine"]["guards"][0]  # type: ignore[index]
    owner["intents"] = [*owner["intents"], UNREAD]
    told = fence.gateway.reload(wanted)
    assert told["event"] != "reloaded"
    assert "intent 4 of" in str(told)
    assert "the model does not know" in str(told)
    fence.forwarded(fence.ask(f"/?q={quote(HARMLESS)}"), "finance")
