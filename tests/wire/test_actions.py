"""What a request asks for, in the words of its protocol, as clients of each send it."""

import json

import pytest

from aimux.core.policy import IdentitySources
from aimux.core.request import Action
from aimux.wire.dialects import read_body, read_opening
from aimux.wire.http1 import HeadLimits, find_head, parse_head

SOURCES = IdentitySources()
CHAT = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "delete_user", "arguments": {"id": 7}}}
MESSAGE = {"jsonrpc": "2.0", "id": "a", "method": "SendMessage", "params": {"message": {"parts": [{"text": "hi"}]}}}


def asked(
    path: str, document: object = None, *headers: str, method: str = "POST", hears: bool = False
) -> Action | None:
    """What a request asks for, once its body has been read as well."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    raw = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode()
    limits = HeadLimits()
    head = parse_head(raw[: find_head(raw, limits) or 0], limits)
    opening = read_opening(head, SOURCES, hears=hears)
    facts = opening.facts(0.0)
    if facts.body is None:
        facts.body = read_body(body, opening.body, (), SOURCES, 10**6, hears=hears, action=opening.head.action)
    return facts.action


@pytest.mark.parametrize("hears", [False, True])
@pytest.mark.parametrize(
    ("path", "document", "headers", "action"),
    [
        ("/v1/chat/completions", CHAT, (), ("openai", "chat.completions", "gpt-4")),
        ("/chat/completions", CHAT, (), ("openai", "chat.completions", "gpt-4")),
        ("/v1/responses", {"model": "gpt-5", "input": "hello"}, (), ("openai", "responses", "gpt-5")),
        ("/v1/embeddings", {"input": ["a", "b"]}, (), ("openai", "embeddings", None)),
        (
            "/openai/deployments/mine/chat/completions?api-version=2024-10-21",
            {"messages": CHAT["messages"]},
            (),
            ("openai", "chat.completions", "mine"),
        ),
        # Azure takes the deployment of the path, whatever model the body names.
        ("/openai/deployments/mine/chat/completions", CHAT, (), ("openai", "chat.completions", "mine")),
        ("/v1/messages", {**CHAT, "model": "claude"}, (), ("anthropic", "messages", "claude")),
        ("/v1/messages/batches", {**CHAT, "model": "claude"}, (), ("plain", "POST", None)),
        ("/v1/messages/count_tokens", {**CHAT, "model": "c"}, (), ("anthropic", "messages.count_tokens", "c")),
        ("/mcp", CALL, (), ("mcp", "tools/call", "delete_user")),
        ("/mcp", {**CALL, "method": "tools/list", "params": {}}, (), ("mcp", "tools/list", None)),
        (
            "/any",
            {"jsonrpc": "2.0", "method": "resources/read", "params": {"uri": "file:///x"}},
            (),
            ("mcp", "resources/read", "file:///x"),
        ),
        ("/any", {"jsonrpc": "2.0", "method": "initialize"}, (), ("mcp", "initialize", None)),
        ("/agent", MESSAGE, (), ("a2a", "SendMessage", None)),
        ("/agent", {**MESSAGE, "method": "message/send"}, (), ("a2a", "message/send", None)),
        ("/agent", {"jsonrpc": "2.0", "method": "tasks/get"}, (), ("a2a", "tasks/get", None)),
        # The 2025-11-25 version of MCP has tasks too, and a header says that it is MCP.
        (
            "/agent",
            {"jsonrpc": "2.0", "method": "tasks/get"},
            ("MCP-Protocol-Version: 2025-11-25",),
            ("mcp", "tasks/get", None),
        ),
        ("/v1/message:send", {"message": {"parts": [{"text": "hi"}]}}, (), ("a2a", "message:send", None)),
        ("/v1/tasks/7f2a:cancel", None, (), ("a2a", "tasks:cancel", None)),
        ("/", {"query": "hello", "model": "m"}, (), ("plain", "POST", None)),
        ("/", {"jsonrpc": "2.0", "method": "eth_call"}, (), ("plain", "POST", None)),
        ("/", {"method": "tools/call", "params": {"name": "x"}}, (), ("plain", "POST", None)),
        ("/v1/chat/completions", {**CHAT, "model": 7}, (), ("openai", "chat.completions", None)),
        ("/v1/chat/completions", {**CHAT, "model": ""}, (), ("openai", "chat.completions", None)),
        ("/v1/chat/completionsx", CHAT, (), ("plain", "POST", None)),
        ("/mcp", {**CALL, "params": {"name": ["x"]}}, (), ("mcp", "tools/call", None)),
        ("/mcp", {"jsonrpc": "2.0", "method": "tools/" + "x" * 200}, (), ("plain", "POST", None)),
    ],
)
def test_the_words_of_the_protocol(path, document, headers, action, hears):
    assert asked(path, document, *headers, hears=hears) == action


def test_without_a_body_the_path_says_it():
    assert asked("/v1/models", method="GET") == ("plain", "GET", None)
    assert asked("/mcp", None, "MCP-Protocol-Version: 2025-06-18", method="GET") == ("mcp", "GET", None)


def test_a_body_that_is_no_object_says_nothing():
    assert asked("/mcp", [CALL]) == ("plain", "POST", None)
