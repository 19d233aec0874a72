"""What else a request says beside its text: other messages, calls of tools, more fields; none of it is overlooked."""

import json
import re

import pytest
from hypothesis import given, strategies
from wire_support.requests import SOURCES, head_of, parts, reading, said

from aimux.core.request import SILENT, Opaque, Reading
from aimux.wire.dialects import read_head


def test_the_other_messages_of_a_conversation_stand_beside_the_last_one():
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": [{"type": "text", "text": "found"}]},
        {"role": "user", "content": "last"},
        {"role": "assistant", "content": "so"},
        "no message",
    ]
    found = said({"messages": messages})
    assert (found.text, found.beside) == ("last", ("be kind", "first", "found", "so", "no message"))
    found = said({"query": "q", "prompt": "p", "messages": messages})
    assert (found.text, found.beside) == ("q", ("p", "be kind", "first", "found", "last", "so", "no message"))


@pytest.mark.parametrize(
    "last", [{"role": "user", "content": [{"type": "image_url"}]}, {"role": "tool", "content": ""}]
)
def test_messages_without_a_last_text_of_the_user_are_heard_all_the_same(last):
    found = said({"messages": [{"role": "system", "content": "be kind"}, last]})
    assert (found.text, found.beside) == (None, ("be kind",))


@pytest.mark.parametrize(
    ("call", "heard"),
    [
        ({"tool_calls": [{"function": {"arguments": '{"a": "x", "b": [{"c": "y"}, 5]}'}}]}, ("x\ny",)),
        (
            {"tool_calls": [{"function": {"arguments": "no {json"}}, {"function": {"arguments": '"z"'}}]},
            ("no {json\nz",),
        ),
        ({"function_call": {"name": "wipeAll_user-data", "arguments": '{"a": "x"}'}}, ("wipe All user data\nx",)),
        ({"tool_calls": [{"id": "call", "type": "custom", "custom": {"name": "run", "input": "x"}}]}, ("run\nx",)),
        # Nothing that a tool is called with is a label.
        ({"tool_calls": [{"function": {"arguments": '{"url": "x", "id": {"type": "y"}}'}}]}, ("x\ny",)),
        ({"tool_calls": [7, {"function": 7}, {"function": {"arguments": 7}}, {"function": {"arguments": "{}"}}]}, ()),
        ({"tool_calls": {"function": {}}, "function_call": " "}, ()),
    ],
)
@pytest.mark.parametrize("role", ["assistant", "user"])
def test_what_tools_are_called_with_is_heard(call, heard, role):
    messages = [{"role": "user", "content": "hi"}, {"role": role, "content": "so", **call}]
    found = said({"messages": messages})
    assert found.beside == (("so", *heard) if role == "assistant" else ("hi", *heard))


LABELS = {"id": "1", "call_id": "2", "status": "completed", "role": "user"}


@pytest.mark.parametrize(
    ("document", "heard"),
    [
        # OpenAI's Responses API
        ({"input": "q", "instructions": "be kind"}, ("be kind",)),
        (
            {
                "input": [
                    {"role": "developer", "content": "be kind"},
                    {"role": "assistant", "content": [{"type": "refusal", "refusal": "never"}]},
                    {"type": "function_call", "name": "look_up", "arguments": '{"what": "x"}', **LABELS},
                    {"type": "function_call_output", "output": "found", **LABELS},
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}], **LABELS},
                    {"type": "local_shell_call", "action": {"type": "exec", "command": ["rm", "file"]}, **LABELS},
                ]
            },
            ("be kind", "never", "look up\nx", "found", "so", "rm\nfile"),
        ),
        # Anthropic's Messages API
        (
            {
                "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "name": "wipe", "input": {"url": "x"}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "gone"}]},
                ],
            },
            ("be kind", "wipe\nx", "gone"),
        ),
        (
            parts(
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a page"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image_url", "image_url": {"url": "data:,x"}},
                {"type": "input_file", "file_data": "AAAA", "filename": "plan"},
            ),
            ("a page\nplan",),
        ),
        # MCP's and A2A's calls, alone and in a batch
        (
            {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "wipe", "arguments": {"a": "x"}}},
            ("tools call",),
        ),
        ({"jsonrpc": "2.0", "id": 1, "method": "users.deleteAll"}, ("users delete All",)),
        ({"params": {"message": {"parts": [{"kind": "text", "text": "wipe it"}], "messageId": "1"}}}, ()),
        ([{"id": "1", "params": {"name": "look_up"}}, {"params": {"name": "wipe"}}], ("look up\nwipe",)),
        ("a text alone", ("a text alone",)),
        # Completions of several prompts; numbers say nothing
        ({"prompt": ["one", "two"], "input": "q"}, ("one", "two")),
        ({"prompt": [[1, 2]], "input": 7, "messages": None}, ()),
        (parts({"type": ["text"], "text": "odd"}, {"type": {}, "data": "odder"}), ("odd\nodder",)),
        # What is offered or set, and what no model reads
        (
            {
                "model": "m",
                "temperature": 1,
                "max_output_tokens": 5,
                "agent": "team-finance-bot",
                "tools": [{"function": {"name": "wipe", "description": "wipes"}}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "wipe"}},
                "text": {"format": {"type": "json_schema", "name": "wipe"}},
            },
            (),
        ),
        # Any other field, as other protocols have them
        ({"agent": "wipe all", "question": "wipe it", "deep": [{"er": "and it"}]}, ("wipe all\nwipe it\nand it",)),
        (
            {
                "systemInstruction": {"parts": [{"text": "be kind"}]},
                "contents": [{"role": "user", "parts": [{"inlineData": {"data": "AA"}}, {"text": "wipe it"}]}],
            },
            ("be kind",),
        ),
        ({"model": "llava", "prompt": "what is it", "images": ["AAAA"], "suffix": "wipe it"}, ("wipe it",)),
        ({"query": "q", "tool_choice": {"type": "function", "function": {"name": "wipe_all"}}}, ("wipe all",)),
        # Other fields of a part with a text
        (
            parts({"type": "text", "text": "q", "cache_control": {"type": "ephemeral", "ttl": "1h"}, "x": "wipe it"}),
            ("wipe it",),
        ),
        ({"input": [{"type": "text", "text": "q", "x": "wipe it"}, {"text": "r", "y": "all"}]}, ("wipe it",)),
        ({"texts": [{"text": "q", "x": "wipe it"}]}, ("wipe it",)),
        # Keys that say something
        ({"query": "q", "export all records": 1}, ("export all records",)),
        ({"params": {"arguments": {"exportAll_records": True, "to_file": 1}}}, ("export All records",)),
        ({"query": "q", "parallel_tool_calls": True}, ()),
    ],
)
def test_what_else_a_body_says_is_heard(document, heard):
    assert said(document).beside == heard


@given(
    strategies.recursive(
        strategies.text("xyz ", min_size=1).filter(str.strip) | strategies.integers() | strategies.none(),
        lambda inner: (
            strategies.lists(inner) | strategies.dictionaries(strategies.sampled_from(["a", "b", "c"]), inner)
        ),
    ),
    strategies.sampled_from(["system", "instructions", "prompt", "input", "messages", "params", "contents"]),
)
def test_no_string_of_what_is_said_is_overlooked(value, field):
    found = said({field: value, "query": "q"})
    strings = [json.loads(each) for each in re.findall(r'"[xyz ]+"', json.dumps(value))]
    assert sorted("\n".join(found.beside).split("\n")) == (sorted(strings) or [""])


@pytest.mark.parametrize("last", [{"type": "tool_result", "content": "gone"}, {"type": "tool_result"}])
def test_what_a_tool_gave_under_the_users_role_is_not_what_the_user_said_last(last):
    asked, called = {"role": "user", "content": "wipe it"}, {"role": "assistant", "content": [{"type": "tool_use"}]}
    found = said({"messages": [asked, called, {"role": "user", "content": [last, last]}]})
    assert found.text == "wipe it"
    assert found.beside == (("gone\ngone",) if "content" in last else ())
    mixed = said(
        {"messages": [asked, called, {"role": "user", "content": [last, {"type": "text", "text": "and now"}]}]}
    )
    assert mixed.text == "and now"
    assert said({"messages": [{"role": "user", "content": [last]}]}).text is None
    assert said({"messages": [asked, {"role": "user", "content": []}]}).text == "wipe it"
    assert said({"messages": [asked, {"role": "user", "content": [{"type": "image"}, last]}]}).text == "wipe it"


def test_what_tools_are_called_with_is_read_once_and_however_deep():
    inner = "[" * 60 + json.dumps({"arguments": json.dumps({"a": "x"})}) + "]" * 60
    document = {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": inner}}]}]}
    assert said(document).beside == ('{"a": "x"}',)


@pytest.mark.parametrize(
    ("pairs", "text", "heard"),
    [
        ("q=one&query=two", "one", ("two",)),
        ("query=two&q=one&query=three&agent=bee", "one", ("two", "three")),
        ("q=&query=two", "two", ()),
        ("q=one&query=+", "one", ()),
    ],
)
def test_both_texts_of_a_query_or_form_are_heard(pairs, text, heard):
    in_form = reading(pairs.encode(), b"application/x-www-form-urlencoded")
    in_query = read_head(head_of(target=b"/?" + pairs.encode()), SOURCES)
    assert (in_form.text, in_form.beside) == (in_query.text, in_query.beside) == (text, heard)


@pytest.mark.parametrize(
    ("pairs", "text", "heard"),
    [
        ("q=one&note=wipe+it&note=all+of", "one", ("wipe it\nall of",)),
        ("note=wipe+it", None, ("wipe it",)),
        ("q=one&note=w%5Cu0069pe", "one", ("w\\u0069pe",)),  # undone where it is scored
        ("q=one&note=+&page=&sort=newest_first&id=7a31-c0de", "one", ()),  # words that set something
        ("q=one&method=deleteAllUsers&way=%C3%A0", "one", ("deleteAllUsers\nà",)),
        ("agent=bee&source=bee&q=one", "one", ()),  # names of callers
        ("agent=bee&source=wipe+it&q=one", "one", ("wipe it",)),
    ],
)
def test_every_other_field_of_a_query_is_heard_where_it_counts(pairs, text, heard):
    head = head_of(target=b"/?" + pairs.encode())
    found = read_head(head, SOURCES, hears=True)
    assert (found.text, found.beside, found.dialect) == (text, heard, "query")
    silent = read_head(head, SOURCES)
    assert (silent.text, silent.beside, silent.claims) == (text, (), found.claims)


def test_a_text_without_a_type_is_heard_where_it_counts():
    heard = reading(b"wipe it", b"", hears=True)
    assert (heard.text, heard.beside, heard.dialect) == (None, ("wipe it",), "text")
    assert reading(b"wipe it", b"") == SILENT
    assert reading(b"\x89PNG\r\n\xff", b"", hears=True) == Reading(opaque=Opaque.UNHEARD)
