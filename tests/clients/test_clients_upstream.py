"""The scripted upstream, as the SDKs in the suite read it."""

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from clients.upstream.answers import ANSWER, reply
from clients.upstream.server import CUT, FAILING, HTML, REDIRECTING, ScriptedUpstream

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"quarter": {"type": "string"}, "year": {"type": "integer"}, "other": {"type": "string"}},
    "required": ["quarter", "year"],
}
ARGUMENTS = {"quarter": "Q3", "year": 3}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "revenue", "parameters": SCHEMA}}]
TOOLS: Any = [{"type": "function", "name": "revenue", "parameters": SCHEMA, "strict": False}]
ASKED: Any = [{"role": "user", "content": "analyze the budget"}]


@pytest.fixture(scope="module")
def _running() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(_running: ScriptedUpstream) -> ScriptedUpstream:
    """The upstream, which knows of no request."""
    _running.bodies.clear()
    _running.past_the_gateway = 0
    return _running


def connect(upstream: ScriptedUpstream, route: str | None = None) -> openai.OpenAI:
    """OpenAI's SDK at the upstream itself."""
    headers = {"X-AIMux-Route": route} if route else {}
    url = f"http://127.0.0.1:{upstream.port}/v1"
    return openai.OpenAI(base_url=url, api_key="sk-test", default_headers=headers, max_retries=0)


def ask(client: openai.OpenAI, **options: Any) -> Any:
    """One chat completion."""
    return client.chat.completions.create(model="any", messages=ASKED, **options)


def test_chat_completions(upstream: ScriptedUpstream) -> None:
    with connect(upstream) as client:
        assert ask(client).choices[0].message.content == ANSWER
        with ask(client, stream=True) as chunks:
            pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        assert "".join(piece or "" for piece in pieces) == ANSWER
        said = ask(client, tools=CHAT_TOOLS).choices[0].message
        assert said.tool_calls[0].function.name == "revenue"
        with client.chat.completions.stream(model="any", messages=ASKED, tools=CHAT_TOOLS) as events:
            streamed = events.get_final_completion().choices[0].message.tool_calls
        assert streamed
        assert streamed[0].function.arguments == said.tool_calls[0].function.arguments
        turns: Any = [*ASKED, said, {"role": "tool", "tool_call_id": "call_1", "content": "42"}]
        answer = client.chat.completions.create(model="any", messages=turns, tools=CHAT_TOOLS)
        assert answer.choices[0].message.content == ANSWER


def test_responses(upstream: ScriptedUpstream) -> None:
    with connect(upstream) as client:
        assert client.responses.create(model="any", input="x").output_text == ANSWER
        with client.responses.stream(model="any", input="x") as events:
            assert events.get_final_response().output_text == ANSWER
        for first in (
            client.responses.create(model="any", input="x", tools=TOOLS),
            stream_to_its_end(client),
        ):
            call = first.output[0]
            assert call.type == "function_call"
            assert call.name == "revenue"
            given: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "42"}]
            second = client.responses.create(model="any", input=given, tools=TOOLS, previous_response_id=first.id)
            assert second.output_text == ANSWER


def stream_to_its_end(client: openai.OpenAI) -> Any:
    """The response of a stream with a tool call."""
    with client.responses.stream(model="any", input="x", tools=TOOLS) as events:
        return events.get_final_response()


def test_messages(upstream: ScriptedUpstream) -> None:
    tools: Any = [{"name": "revenue", "input_schema": SCHEMA}]
    options: Any = {"model": "any", "max_tokens": 9}
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{upstream.port}", api_key="sk-test") as client:
        assert client.messages.create(messages=ASKED, **options).content[0].text == ANSWER
        with client.messages.stream(messages=ASKED, **options) as events:
            assert events.get_final_text() == ANSWER
        with client.messages.stream(messages=ASKED, tools=tools, **options) as events:
            streamed = events.get_final_message().content[0]
        call = client.messages.create(messages=ASKED, tools=tools, **options).content[0]
        assert streamed.to_dict() == call.to_dict()
        assert call.to_dict()["input"] == ARGUMENTS
        result = [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]
        turns: Any = [*ASKED, {"role": "assistant", "content": [call]}, {"role": "user", "content": result}]
        assert client.messages.create(messages=turns, tools=tools, **options).content[0].text == ANSWER


@pytest.mark.parametrize(("given", "count"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)], ids=str)
@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings(upstream: ScriptedUpstream, given: Any, count: int, form: Any) -> None:
    with connect(upstream) as client:
        answer = client.embeddings.create(model="any", input=given, encoding_format=form)
    assert len(answer.data) == count
    assert form == "base64" or answer.data[0].embedding == [0.5, 0.25, -0.5, 1.0]


def test_an_agent_that_answers_by_a_tool_is_let_do_so() -> None:
    final = {"name": "final_answer", "parameters": {"properties": {"answer": {"type": "string"}}}}
    tools = [*CHAT_TOOLS, {"type": "function", "function": final}]
    observed = {"role": "user", "content": [{"type": "text", "text": "Observation:\n42"}]}
    calls = []
    for asked in ({"tools": tools[1:]}, {"tools": tools}, {"tools": tools, "messages": [*ASKED, observed]}):
        made = reply("/v1/chat/completions", {"messages": ASKED, **asked})
        assert made is not None
        calls.append(made.document["choices"][0]["message"]["tool_calls"][0]["function"]["name"])
    assert calls == ["final_answer", "revenue", "final_answer"]


def test_what_no_api_has_is_not_found(upstream: ScriptedUpstream) -> None:
    with connect(upstream) as client, pytest.raises(openai.NotFoundError):
        client.models.list()


@pytest.mark.parametrize(("route", "status"), FAILING.items())
def test_failures_of_its_own(upstream: ScriptedUpstream, route: str, status: int) -> None:
    with connect(upstream, route) as client, pytest.raises(openai.APIStatusError) as raised:
        ask(client)
    assert raised.value.status_code == status


@pytest.mark.parametrize("stream", [False, True])
def test_answers_that_are_cut(upstream: ScriptedUpstream, *, stream: bool) -> None:
    with connect(upstream, CUT) as client, pytest.raises(openai.APIConnectionError):
        list(ask(client, stream=stream))


def test_a_page(upstream: ScriptedUpstream) -> None:
    with connect(upstream, HTML) as client:
        assert str(ask(client)).startswith("<!doctype html>")


def test_what_comes_past_the_gateway_is_counted(upstream: ScriptedUpstream) -> None:
    with connect(upstream, REDIRECTING) as client:
        assert ask(client).choices[0].message.content == ANSWER
    assert upstream.past_the_gateway == len(upstream.bodies) == 2
    headers = {"X-Forwarded-For": "127.0.0.1"}
    with connect(upstream) as client:
        ask(client, extra_headers=headers)
    assert (upstream.past_the_gateway, len(upstream.bodies)) == (2, 3)
