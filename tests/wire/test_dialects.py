"""Where the text is in each kind of request, which place comes first, and which route a request names."""

import pytest
from wire_support.requests import SOURCES, flaw, head_of, parts, said

from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure, Reason
from aimux.wire.dialects import named_route, read_head, read_opening
from aimux.wire.heads import HeadReader
from aimux.wire.http1 import HeadLimits, parse_head

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
        ({"query": 5, "prompt": ["b"], "input": {}, "messages": [{"role": "user", "content": "d"}]}, "b", "json"),
        ({"query": ["q"], "prompt": [], "messages": [{"role": "user", "content": "d"}]}, "d", "messages"),
        ({"input": ["c"]}, "c", "json"),
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


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"messages": [USER, ASSISTANT, {"role": "user", "content": "last"}]}, "last"),
        ({"messages": [USER, ASSISTANT]}, "first"),
        ({"messages": [{"role": "system", "content": "be good"}, USER, ASSISTANT]}, "first"),
        ({"messages": [ASSISTANT, {"role": "User", "content": "x"}, {"content": "y"}, "z", None]}, None),
        # What says nothing is passed over.
        ({"messages": [USER, {"role": "user", "content": ""}]}, "first"),
        ({"messages": [USER, {"role": "user"}]}, "first"),
        ({"messages": [USER, {"role": "user", "content": None}, {"role": "user", "content": " \n"}]}, "first"),
        ({"messages": [USER, {"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "first"),
        ({"messages": [USER, {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, "first"),
        ({"messages": [{"role": "user", "content": ""}, {"role": "user", "content": None}]}, None),
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


def test_an_opening_is_read_once_for_a_remembered_head_and_again_for_other_sources():
    reader = HeadReader(HeadLimits())
    data = b"POST /?agent=a HTTP/1.1\r\nHost: x\r\nX-Source-Agent: b\r\nX-Caller: c\r\nContent-Length: 1\r\n\r\n"
    head = reader.read(data)
    first = read_opening(head, SOURCES)
    assert first is read_opening(reader.read(bytes(bytearray(data))), IdentitySources())
    assert [claim.name for claim in first.head.claims] == ["a", "b"]
    other = read_opening(head, IdentitySources((), ("x-caller",), None))
    assert [claim.name for claim in other.head.claims] == ["c"]
    once = parse_head(data, HeadLimits())
    assert read_opening(once, SOURCES) == first
