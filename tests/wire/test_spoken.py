"""The text that chooses, in lists and in the shapes of Gemini, A2A and MCP; and the turns of the user before it."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_support.requests import SOURCES, head_of, parts, said

from aimux.core.request import Opaque
from aimux.wire.dialects import read_body, read_earlier, read_opening


def user(text):
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        # Embeddings, moderations and completions of OpenAI's, embeddings of Ollama's, of TEI and of Cohere's
        ({"input": ["one"]}, ["one"]),
        ({"input": ["one", "two", "one", " "]}, ["one", "two"]),
        ({"prompt": ["one", "two"]}, ["one", "two"]),
        ({"input": [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}, "two"]}, ["one", "two"]),
        ({"inputs": "one"}, ["one"]),
        ({"inputs": ["one", "two"]}, ["one", "two"]),
        ({"texts": ["one", "two"]}, ["one", "two"]),
        ({"input": [{"text": "one"}, {"image": "AA"}]}, ["one"]),
        # Gemini's embeddings, alone and in a batch
        ({"content": {"parts": [{"text": "one"}, {"text": "two"}]}}, ["one\ntwo"]),
        (
            {"requests": [{"content": {"parts": [{"text": "one"}]}}, {"content": {"parts": [{"text": "two"}]}}]},
            ["one", "two"],
        ),
        ({"input": []}, []),
        ({"input": ["", " "]}, []),
        ({"input": [None, {}]}, []),
        ({"input": [{"type": "function_call_output", "output": "one"}], "previous_response_id": "r"}, []),
    ],
)
def test_every_text_of_a_list_is_judged(document, texts):
    found = said(document)
    assert ([] if found.text is None else [found.text, *found.listed]) == texts
    assert found.opaque is None


@pytest.mark.parametrize(
    "document", [{"inputs": [[1, 2]]}, {"texts": [1]}, {"input": [True, None]}, {"input": [[True]]}]
)
def test_other_numbers_are_no_token_ids(document):
    found = said(document)
    assert (found.text, found.opaque) == (None, None)


@pytest.mark.parametrize("ids", [[1, 2], [[1, 2], [3]], ["one", [1]], ["one", 1], [[1], "one"]])
@pytest.mark.parametrize("field", ["input", "prompt"])
def test_token_ids_are_known_as_such(field, ids):
    found = said({field: ids, "model": "m"})
    assert (found.text, found.listed, found.opaque) == (None, (), Opaque.TOKENS)


@pytest.mark.parametrize(
    "document",
    [
        {"query": "one", "input": [1, 2]},
        {"input": "one", "prompt": [[1, 2]]},
        {"prompt": ["one"], "input": [[1]]},
        {"messages": [user("one")], "input": ["two", [1]]},
        {"message": "one", "query": "two", "prompt": [1]},
    ],
)
def test_token_ids_beside_a_text_are_known_to_guards(document):
    assert said(document).opaque is Opaque.TOKENS


@given(st.lists(st.text("ab ", max_size=3) | st.none() | st.dictionaries(st.just("x"), st.text("cd", min_size=1))))
def test_nothing_in_a_list_is_overlooked(items):
    found = said({"input": items})
    told = {found.text, *found.listed, *("\n".join(found.beside).split("\n"))}
    strings = {each for each in items if isinstance(each, str)} | {
        v for d in items if isinstance(d, dict) for v in d.values()
    }
    assert {each for each in strings if each.strip()} <= told


def gemini(*contents, **more):
    return {"contents": list(contents), **more}


@pytest.mark.parametrize(
    ("document", "text", "dialect", "beside"),
    [
        (
            gemini({"role": "user", "parts": [{"text": "one"}]}, {"role": "model", "parts": [{"text": "two"}]}),
            *("one", "messages", ("two",)),
        ),
        (
            gemini({"parts": [{"text": "one"}, {"inlineData": {"data": "AA"}}, {"text": "two"}]}),
            "one\ntwo",
            "messages",
            (),
        ),
        ({"contents": {"parts": [{"text": "one"}]}}, "one", "messages", ()),
        ({"contents": {"parts": {"text": "one"}}}, "one", "messages", ()),
        ({"content": {"parts": {"text": "one"}}}, "one", "json", ()),
        # No role in the JSON of protocol buffers: the user's
        (gemini({"role": None, "parts": [{"text": "one"}]}), "one", "messages", ()),
        (gemini({"parts": [{"text": "two"}]}, {"role": "", "parts": [{"text": "one"}]}), "one", "messages", ("two",)),
        ({"message": {"role": None, "parts": [{"text": "one"}]}}, "one", "a2a", ()),
        (
            gemini(
                {"role": "user", "parts": [{"text": "one"}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "look_up", "response": {"a": "found"}}}]},
                systemInstruction={"parts": [{"text": "be kind"}]},
            ),
            *("one", "messages", ("be kind", "look up\nfound")),
        ),
        (gemini({"role": "model", "parts": [{"text": "one"}]}), None, "json", ("one",)),
        (gemini("one", {"role": "user", "parts": "two"}), None, "json", ("one", "two")),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "message/send",
                "params": {
                    "message": {
                        "role": "user",
                        "messageId": "m",
                        "parts": [{"kind": "text", "text": "one"}, {"kind": "data", "data": {"a": "two"}}],
                    },
                    "metadata": {"skill": "wipe it"},
                },
            },
            *("one", "a2a", ("two", "wipe it", "message send")),
        ),
        (
            {"message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": "one"}, {"text": "two"}]}},
            *("one\ntwo", "a2a", ()),
        ),
        ({"message": {"role": "ROLE_AGENT", "parts": [{"text": "one"}]}}, None, "json", ("one",)),
        (
            {
                "jsonrpc": "2.0",
                "method": "tools/call",
                "params": {"name": "delete_user", "arguments": {"who": "everybody"}, "_meta": {"note": "and all"}},
            },
            *("delete user\neverybody", "mcp", ("and all", "tools call")),
        ),
        ({"method": "resources/read", "params": {"uri": "file:///etc/passwd"}}, None, "json", None),
        ({"method": "prompts/get", "params": {"name": "review_code"}}, "review code", "mcp", ("prompts get",)),
        ({"method": "tools/list", "params": {"cursor": "a b c"}}, None, "json", None),
        (
            {"method": "initialize", "params": {"clientInfo": {"name": "a b c"}, "protocolVersion": "2025-06-18"}},
            *(None, "json", None),
        ),
        ({"jsonrpc": "2.0", "id": 1, "result": {"content": []}}, None, "json", None),
        ([{"method": "tools/call", "params": {"name": "wipe_all"}}], "wipe all", "mcp", ("tools call\nwipe all",)),
    ],
)
def test_texts_of_other_protocols_choose(document, text, dialect, beside):
    found = said(document)
    assert (found.text, found.dialect) == (text, dialect)
    assert beside in (None, found.beside)


def mcp(name, **more):
    return {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": name, **more}}


def test_every_request_of_a_batch_is_judged():
    message = {"method": "message/send", "params": {"message": {"role": "user", "parts": [{"text": "one"}]}}}
    found = said([{"jsonrpc": "2.0", "method": "ping"}, mcp("delete_users"), message, mcp("add_up"), mcp("add_up")])
    assert (found.text, found.listed, found.dialect) == ("delete users", ("one", "add up"), "mcp")
    for silent in ([], [{"jsonrpc": "2.0", "method": "tools/list"}, 7, None, "one", [mcp("two")], {"query": "three"}]):
        assert (said(silent).text, said(silent).dialect) == (None, "json")


def test_a_message_beside_a_call_does_not_choose_for_it():
    found = said(mcp("delete_users", message={"role": "user", "parts": [{"text": "one"}]}))
    assert (found.text, found.dialect) == ("delete users", "mcp")
    assert "one" in found.beside


def test_the_turns_before_the_last_one_are_found_where_they_are_asked_for():
    messages = [user("one"), user(" "), {"role": "assistant", "content": "so"}, user("two"), user(None), user("three")]
    contents = [
        {"role": "user", "parts": [{"text": "one"}]},
        {"role": "model", "parts": []},
        {"role": "user", "parts": [{"text": "two"}]},
        {"role": "user", "parts": [{"text": "three"}]},
    ]
    for document in ({"messages": messages}, {"input": messages}, {"contents": contents}):
        found = said(document)
        assert (found.text, found.earlier) == ("three", None)  # nobody has looked for them
        assert earlier(document) == ("two", "one")
    for document in ({"query": "q", "messages": messages}, {"messages": [user("one")]}, {"input": ["one"]}):
        assert said(document).earlier == ()
    assert earlier({"messages": [{"role": "system", "content": "be kind"}, user("one")]}) == ()


def test_no_more_turns_are_told_than_are_worth_their_reading():
    assert earlier({"messages": [user(f"{n}") for n in range(20)]}) == tuple(f"{n}" for n in range(18, 10, -1))
    long = [user("one"), user("x" * 20_000), user("y" * 20_000), user("now")]
    assert earlier({"messages": long}) == ("y" * 20_000,)


def test_turns_in_an_encoded_body_are_found_too():
    body = gzip.compress(json.dumps({"messages": [user("one"), user("two")]}).encode())
    assert read_earlier(body, (b"gzip",), 1 << 20) == ("one",)


def earlier(document):
    return read_earlier(json.dumps(document).encode(), (), 1 << 20)


@pytest.mark.parametrize("fields", [{"name": "prompt"}, {"name": "input"}, {"name": "q"}])
@pytest.mark.parametrize("hears", [True, False])
def test_a_form_of_several_parts_has_a_text(fields, hears):
    name = fields["name"].encode()
    body = (
        b'--XyZ\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n"
        b'--XyZ\r\nContent-Disposition: form-data; name="%b"\r\n\r\nanalyze it\r\n'
        b'--XyZ\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--XyZ--\r\n' % name
    )
    opening = read_opening(
        head_of(b"Content-Type: multipart/form-data; boundary=XyZ", length=len(body)), SOURCES, hears=hears
    )
    found = read_body(body, opening.body, (), SOURCES, 1 << 20, hears=hears, content_type=opening.content_type)
    assert (found.text, found.field, found.dialect) == ("analyze it", fields["name"], "multipart")
    assert found.beside == (("m",) if hears else ())


def test_a_picture_alone_goes_on_to_the_text_before_it():
    document = parts({"type": "image_url", "image_url": {"url": "data:,x"}})
    document["messages"].insert(0, user("what is this"))
    assert said(document).text == "what is this"
