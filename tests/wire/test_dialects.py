"""Where the text is in each kind of request, which place comes first, and what makes a request unreadable."""

import gzip
import json
import re
import zlib
from dataclasses import replace

import brotli
import pytest
import zstandard
from hypothesis import given, strategies

from aimux.core.reason import Failure, Reason
from aimux.core.request import SILENT, Claim, Place
from aimux.core.snapshot import IdentitySources
from aimux.wire.dialects import BodyKind, body_kind, named_route, read_body, read_head, read_opening
from aimux.wire.http1 import HeadLimits, HeadReader, find_head, parse_head

SOURCES = IdentitySources()
LIMITS = HeadLimits()
LIMIT = 1_000_000


def head_of(*lines, target=b"/", length=5):
    framing = b"" if length is None else b"Content-Length: %d" % length
    data = b"\r\n".join(
        (b"POST " + target + b" HTTP/1.1", b"Host: x", *lines, *([framing] if framing else []), b"", b"")
    )
    return parse_head(data[: find_head(data, LIMITS)], LIMITS)


def reading(body, content_type=None, codings=(), sources=SOURCES, *, limit=LIMIT, hears=False):
    """What a body says that came with this Content-Type."""
    lines = () if content_type is None else (b"Content-Type: " + content_type,)
    kind = body_kind(head_of(*lines, length=len(body) or 1))
    return read_body(body, kind, codings, sources, limit, hears=hears)


def said(document, **more):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = reading(body, b"application/json", **more, hears=True)
    assert found.flaw is None
    # Where nobody hears what is said beside it, the text is the same.
    assert reading(body, b"application/json", **more) == replace(found, beside=())
    return found


def flaw(found):
    assert found.claims == ()
    assert found.text is None
    return found.flaw.reason


# The text in the query


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (b"q=what+is+50+times+3", "what is 50 times 3"),
        (b"query=analyze%20revenue", "analyze revenue"),
        (b"q=%C3%A9t%C3%A9", "\u00e9t\u00e9"),
        (b"query=second&q=first", "first"),
        (b"q=&query=second", "second"),
        (b"q=+%20&query=second", "second"),
        (b"q=same&q=same", "same"),
        (b"q=a%26b%3Dc", "a&b=c"),
        (b"q=a=b", "a=b"),
        (b"q=a;query=b", "a;query=b"),
        (b"%71=encoded+name", "encoded name"),
        (b"q=+padded+", " padded "),
        (b"q=", None),
        (b"q", None),
        (b"q=+++", None),
        (b"Q=x&Query=y&text=z&prompt=p&input=i", None),
        (b"", None),
    ],
)
def test_text_in_the_query(query, text):
    found = read_head(head_of(target=b"/a?" + query), SOURCES)
    assert (found.text, found.flaw) == (text, None)
    assert found.dialect == ("" if text is None else "query")


@pytest.mark.parametrize(
    "query",
    [b"q=a&q=b", b"query=a&query=b", b"q=%ff", b"q=%C3", b"x=%ED%A0%80", b"&".join([b"a=b"] * 1001)],
    ids=["two texts", "two queries", "a stray byte", "half a character", "a surrogate", "too many"],
)
def test_a_query_that_cannot_be_read_in_one_way(query):
    assert flaw(read_head(head_of(target=b"/?" + query), SOURCES)) is Reason.BAD_REQUEST


# The text in a JSON body


@pytest.mark.parametrize(
    ("document", "text", "dialect"),
    [
        ({"query": "a", "prompt": "b", "input": "c", "messages": [{"role": "user", "content": "d"}]}, "a", "json"),
        ({"prompt": "b", "input": "c", "messages": [{"role": "user", "content": "d"}]}, "b", "json"),
        ({"input": "c", "messages": [{"role": "user", "content": "d"}]}, "c", "json"),
        ({"messages": [{"role": "user", "content": "d"}]}, "d", "messages"),
        ({"query": "", "prompt": " \n", "input": "c"}, "c", "json"),
        ({"query": 5, "prompt": ["b"], "input": {}, "messages": [{"role": "user", "content": "d"}]}, "d", "messages"),
        ({"input": ["c"]}, None, "json"),
        ({"input": [{"role": "user", "content": "d"}]}, "d", "messages"),
        (
            {"input": [{"role": "user", "content": "d"}], "messages": [{"role": "user", "content": "e"}]},
            "e",
            "messages",
        ),
        ({"input": [{"role": "user", "content": "d"}], "messages": []}, "d", "messages"),
        ({"text": "x", "q": "y", "Query": "z"}, None, "json"),
        ({"data": {"query": "inside"}}, None, "json"),
        ({}, None, "json"),
        ([], None, "json"),
        ([{"query": "in a list"}], None, "json"),
        ("query", None, "json"),
        (None, None, "json"),
    ],
)
def test_text_in_a_json_body(document, text, dialect):
    found = said(document)
    assert found.text == text
    assert found.dialect == dialect


USER, ASSISTANT = {"role": "user", "content": "first"}, {"role": "assistant", "content": "answer"}


def parts(*content):
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"messages": [USER, ASSISTANT, {"role": "user", "content": "last"}]}, "last"),
        ({"messages": [USER, ASSISTANT]}, "first"),
        ({"messages": [{"role": "system", "content": "be good"}, USER, ASSISTANT]}, "first"),
        ({"messages": [ASSISTANT, {"role": "User", "content": "x"}, {"content": "y"}, "z", None]}, None),
        ({"messages": [USER, {"role": "user", "content": ""}]}, None),
        ({"messages": [USER, {"role": "user"}]}, None),
        ({"messages": []}, None),
        ({"messages": "text"}, None),
        ({"messages": {"role": "user", "content": "x"}}, None),
        (parts({"type": "text", "text": "one"}), "one"),
        (parts({"type": "text", "text": "one"}, {"type": "text", "text": "two"}), "one\ntwo"),
        (
            parts(
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://x"}, "text": "not this"},
                {"type": "image", "source": {"data": "..."}},
                {"type": "tool_result", "content": "not that"},
                {"type": "text", "text": "this"},
            ),
            "see\nthis",
        ),
        (parts({"type": "text", "text": 5}, {"type": "text"}, "text", None, {"text": "no type"}), None),
        (parts({"type": "input_text", "text": "one"}, {"type": "output_text", "text": "two"}), "one\ntwo"),
        (parts({"type": "text", "text": " "}), None),
        (parts(), None),
        ({"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}]}, None),
    ],
)
def test_the_last_user_message(document, text):
    found = said(document)
    assert found.text == text
    assert found.dialect == ("json" if text is None else "messages")


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
        ({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "wipe", "arguments": {"a": "x"}}}, ("wipe\nx",)),
        ({"params": {"message": {"parts": [{"kind": "text", "text": "wipe it"}], "messageId": "1"}}}, ("wipe it",)),
        ([{"id": "1", "params": {"name": "look_up"}}, {"params": {"name": "wipe"}}], ("look up\nwipe",)),
        ("a text alone", ("a text alone",)),
        # Completions of several prompts; numbers say nothing
        ({"prompt": ["one", "two"]}, ("one", "two")),
        ({"prompt": [[1, 2]], "input": 7, "messages": None}, ()),
        (parts({"type": ["text"], "text": "odd"}, {"type": {}, "data": "odder"}), ("odd\nodder",)),
        # What is offered or set, and what no model reads
        ({"model": "m", "user": "x", "tools": [{"function": {"name": "wipe", "description": "wipes"}}]}, ()),
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
    strategies.sampled_from(["system", "instructions", "prompt", "input", "messages", "params"]),
)
def test_no_string_of_what_is_said_is_overlooked(value, field):
    found = said({field: value, "query": "q"})
    strings = [json.loads(each) for each in re.findall(r'"[xyz ]+"', json.dumps(value))]
    assert sorted("\n".join(found.beside).split("\n")) == (sorted(strings) or [""])


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


# How a body is read


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"application/json", BodyKind.JSON),
        (b"Application/JSON ; charset=UTF-8", BodyKind.JSON),
        (b"application/problem+json", BodyKind.JSON),
        (b"text/plain", BodyKind.TEXT),
        (b'TEXT/PLAIN;charset="utf-8"', BodyKind.TEXT),
        (b"text/plain; charset=us-ascii; format=flowed", BodyKind.TEXT),
        (b"application/x-www-form-urlencoded", BodyKind.JSON_OR_FORM),
        (b"", BodyKind.JSON_OR_OPAQUE),
        (None, BodyKind.JSON_OR_OPAQUE),
        (b"application/octet-stream", BodyKind.OPAQUE),
        (b"multipart/form-data; boundary=x", BodyKind.OPAQUE),
        (b"text/html; charset=latin-1", BodyKind.OPAQUE),
        (b"application/jsonl", BodyKind.OPAQUE),
        (b"text/vnd.x+json", BodyKind.OPAQUE),
    ],
)
def test_the_kind_of_a_body(content_type, kind):
    lines = () if content_type is None else (b"Content-Type: " + content_type,)
    assert body_kind(head_of(*lines)) is kind
    assert body_kind(head_of(*lines, length=0)) is BodyKind.OPAQUE
    assert body_kind(head_of(*lines, length=None)) is BodyKind.OPAQUE
    assert body_kind(head_of(*lines, b"Transfer-Encoding: chunked", length=None)) is kind


@pytest.mark.parametrize("media_type", [b"application/json", b"text/plain", b"application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    "charset", [b"latin-1", b"UTF-16", b'"utf-7"', b"", b"utf-8; charset=utf-16", b"utf-16;charset=utf-8", b"'utf-8'"]
)
def test_a_body_that_is_read_must_be_in_utf_8(media_type, charset):
    with pytest.raises(Failure) as caught:
        body_kind(head_of(b"Content-Type: " + media_type + b"; charset=" + charset))
    assert caught.value.reason is Reason.UNSUPPORTED_ENCODING


def test_a_charset_is_found_however_it_is_written():
    for written in (b";charset=utf-16", b"; CHARSET=utf-16", b"; x=y; charset = utf-16", b";;charset=utf-16;"):
        with pytest.raises(Failure, match="UTF-8"):
            body_kind(head_of(b"Content-Type: application/json" + written))


def test_two_content_types_are_refused():
    with pytest.raises(Failure) as caught:
        body_kind(head_of(b"Content-Type: text/plain", b"Content-Type: application/json"))
    assert caught.value.reason is Reason.BAD_REQUEST


@pytest.mark.parametrize("content_type", [None, b"application/x-www-form-urlencoded", b"application/json"])
@pytest.mark.parametrize("before", [b"", b" ", b"\r\n\t "])
def test_a_body_that_starts_with_a_brace_is_json_by_curls_default_too(content_type, before):
    found = reading(before + b'{"agent": "finance-bot", "query": "analyze revenue"}', content_type)
    assert (found.text, found.dialect) == ("analyze revenue", "json")
    assert found.claims == (Claim(Place.BODY, "agent", "finance-bot"),)
    assert flaw(reading(before + b'{"agent": "finance-bot"', content_type)) is Reason.BAD_REQUEST


@pytest.mark.parametrize("body", [b"[1]", b'"query"', b"query=x", b"\xff\xfe", b"NaN", b"x{", b"\0\0\0\x18ftyp{"])
def test_without_a_content_type_anything_else_is_not_read(body):
    assert reading(body) == SILENT


@pytest.mark.parametrize("content_type", [None, b"application/x-www-form-urlencoded", b"application/json"])
@pytest.mark.parametrize(
    "coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_json_in_another_encoding_is_refused_and_never_passed_over(content_type, coding):
    body = '{"agent": "finance-bot", "query": "analyze revenue"}'.encode(coding)
    assert flaw(reading(body, content_type)) is Reason.BAD_REQUEST


def test_the_body_of_another_type_is_not_read():
    for content_type in (b"application/octet-stream", b"multipart/form-data; boundary=x", b"text/html"):
        assert reading(b'{"agent": "finance-bot", "query": "x"}', content_type) == SILENT


def test_an_empty_body_says_nothing():
    for content_type in (None, b"application/json", b"application/x-www-form-urlencoded", b"text/plain"):
        found = reading(b"", content_type)
        assert (found.claims, found.text, found.flaw) == ((), None, None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"analyze revenue", "analyze revenue"),
        (b'{"agent": "finance-bot", "query": "x"}', '{"agent": "finance-bot", "query": "x"}'),
        ("\u00e9t\u00e9\n".encode(), "\u00e9t\u00e9\n"),
        (b" \n", None),
    ],
)
def test_plain_text(body, text):
    found = reading(body, b"text/plain")
    assert (found.text, found.claims, found.dialect) == (text, (), "text")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"q=analyze+revenue", "analyze revenue"),
        (b"query=b&q=a", "a"),
        (b"query=b", "b"),
        (b"q=caf%C3%A9", "caf\u00e9"),
        ("q=caf\u00e9".encode(), "caf\u00e9"),
        (b"agent=finance-bot&client_id=admin-bot", None),
        (b"analyze revenue", None),
    ],
)
def test_a_form(body, text):
    found = reading(body, b"application/x-www-form-urlencoded")
    assert (found.text, found.claims, found.dialect) == (text, (), "form")


@pytest.mark.parametrize("body", [b"q=a&q=b", b"q=%ff", b"q=\xff", b"&".join([b"a"] * 1001)])
def test_a_form_that_cannot_be_read_in_one_way(body):
    assert flaw(reading(body, b"application/x-www-form-urlencoded")) is Reason.BAD_REQUEST


def test_a_form_of_nothing_but_escapes_is_refused():
    form = b"application/x-www-form-urlencoded"
    assert reading(b"q=" + b"%41" * 100_000, form).text == "A" * 100_000
    assert flaw(reading(b"q=" + b"%41" * 100_001, form)) is Reason.BODY_TOO_LARGE
    assert reading(b'{"query": "' + b"%" * 100_001 + b'"}', form).text == "%" * 100_001


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain", b"application/x-www-form-urlencoded"])
def test_invalid_utf_8_is_refused(content_type):
    assert flaw(reading(b"\xff\xfe", content_type)) is Reason.BAD_REQUEST


def test_unreadable_json_says_nothing_but_its_flaw():
    for body in (b"{", b'{"agent": "a", "agent": "b"}', b"[" * 100_000, b'{"query": NaN}', b" "):
        assert flaw(reading(body, b"application/json")) is Reason.BAD_REQUEST


# Content codings

DOCUMENT = b'{"agent": "finance-bot", "query": "analyze revenue"}'


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"br", brotli.compress),
        (b"zstd", zstandard.compress),
        (b"identity", bytes),
    ],
)
def test_an_encoded_body_is_decoded_for_reading(coding, encode):
    for content_type in (b"application/json", None, b"application/x-www-form-urlencoded"):
        found = reading(encode(DOCUMENT), content_type, [coding])
        assert (found.text, found.claims[0].name) == ("analyze revenue", "finance-bot")
    if coding != b"identity":
        assert flaw(reading(encode(DOCUMENT), None, [coding], limit=len(DOCUMENT) - 1)) is Reason.BODY_TOO_LARGE
        assert flaw(reading(encode(DOCUMENT)[:-1], None, [coding])) is Reason.BAD_REQUEST


@pytest.mark.parametrize("codings", [[b"lzma"], [b"gzip, gzip"], [b"gzip", b"gzip"], [b"identity", b"gzip"]])
def test_other_codings_are_unsupported(codings):
    assert flaw(reading(gzip.compress(DOCUMENT), None, codings)) is Reason.UNSUPPORTED_ENCODING


# A route by name


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([], None),
        ([b"X-AIMux-Route: finance"], "finance"),
        ([b"x-aimux-route:finance"], "finance"),
        ([b"X-AIMux-Route: a", b"X-AIMux-Route: a"], "a"),
        ([b"X-AIMux-Route:"], ""),
        ([b"X-AIMux-Route: \xe9"], "\u00e9"),
        ([b"X_AIMux_Route: finance"], None),
    ],
)
def test_the_named_route(lines, name):
    assert named_route(head_of(*lines)) == name


def test_two_named_routes_are_refused():
    with pytest.raises(Failure) as caught:
        named_route(head_of(b"X-AIMux-Route: a", b"X-AIMux-Route: b"))
    assert caught.value.reason is Reason.BAD_REQUEST


def test_a_form_that_mixes_escapes_and_other_alphabets_without_end_is_refused():
    mixed = b"q=%41" + "aé".encode() * 50_000
    found = reading(mixed, b"application/x-www-form-urlencoded")
    assert flaw(found) is Reason.BODY_TOO_LARGE
    assert reading(mixed.replace(b"%41", b"A"), b"application/x-www-form-urlencoded").text is not None


def test_an_opening_is_read_once_for_a_remembered_head_and_again_for_other_sources():
    reader = HeadReader(HeadLimits())
    data = b"POST /?agent=a HTTP/1.1\r\nHost: x\r\nX-Source-Agent: b\r\nX-Caller: c\r\nContent-Length: 1\r\n\r\n"
    head = reader.read(data)
    first = read_opening(head, SOURCES)
    assert first is read_opening(reader.read(bytes(bytearray(data))), IdentitySources())
    assert [claim.name for claim in first.facts.head.claims] == ["a", "b"]
    other = read_opening(head, IdentitySources((), ("x-caller",), None))
    assert [claim.name for claim in other.facts.head.claims] == ["c"]
    once = parse_head(data, HeadLimits())
    assert read_opening(once, SOURCES) == first
