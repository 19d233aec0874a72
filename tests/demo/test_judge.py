import json
from dataclasses import replace
from email.message import Message

import pytest

from aimux.demo.client import Reply
from aimux.demo.judge import came, differences, said
from aimux.demo.steps import Answered, Completed, Expectation, Listed, Refused, Streamed

SEEN = {"agent": "finance", "asked_by": "finance-bot", "route": "finance", "request_id": "r1"}
HEADERS = {"X-AIMux-Route": "finance", "X-Request-ID": "r1", "Content-Type": "application/json"}


def reply(document: object, status: int = 200, **headers: str | None) -> Reply:
    message: Message[str, str] = Message()
    for name, value in (HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value is not None:
            message[name] = value
    return Reply(status, message, json.dumps(document).encode(), 0.01)


def streamed(*chunks: object, done: str = "[DONE]", spread: float = 0.5) -> Reply:
    data = [*(json.dumps(chunk) for chunk in chunks), done]
    body = "".join(f"data: {each}\n\n" for each in data).encode()
    return replace(reply({}, Content_Type="text/event-stream"), body=body, spread=spread)


def chunk(**more: object) -> dict[str, object]:
    return {"object": "chat.completion.chunk", "model": "gpt-4", "aimux": SEEN} | more


ANSWER = {"answer": "The revenue: 7"} | SEEN
ANSWERED = Answered("finance", "finance", "finance-bot", "revenue: 7")
CHOICE = {"message": {"content": "The revenue: 7"}}
COMPLETION = {"object": "chat.completion", "model": "gpt-4", "choices": [CHOICE], "aimux": SEEN}
COMPLETED = Completed("finance", "finance", "finance-bot", "revenue: 7", "gpt-4")
DELTAS = [[{"delta": {"role": "assistant"}}], [{"delta": {"content": "The revenue"}}], [{"delta": {"content": ": 7"}}]]
CHUNKS = [chunk(choices=choices) for choices in DELTAS]
STREAMED = Streamed("finance", "finance", "finance-bot", "revenue: 7", "gpt-4", spread=0.2)
ERROR = {"code": "ambiguous_route", "status": 409, "request_id": "r1", "candidates": ["b", "a"]}
REFUSED = Refused(409, "ambiguous_route", ("a", "b"))
MODELS = {"object": "list", "data": [{"id": "b"}, {"id": "a"}]}
LISTED = Listed(("a", "b"))


@pytest.mark.parametrize(
    ("expected", "given", "reached"),
    [
        (ANSWERED, reply(ANSWER), ("finance",)),
        (COMPLETED, reply(COMPLETION), ("finance",)),
        (STREAMED, streamed(*CHUNKS), ("finance",)),
        (REFUSED, reply({"error": ERROR}, 409), ()),
        (Refused(409, "ambiguous_route"), reply({"error": ERROR}, 409), ()),
        (LISTED, reply(MODELS), ()),
    ],
)
def test_finds_nothing_wrong_with_what_was_expected(
    expected: Expectation, given: Reply, reached: tuple[str, ...]
) -> None:
    assert list(differences(expected, given, reached)) == []


REACHED = ("finance",)
ANSWERS_GONE_WRONG = [
    (reply(ANSWER, 201), REACHED, "status"),
    (reply(ANSWER), (), "agents that were reached"),
    (reply(ANSWER), ("finance", "finance"), "agents that were reached"),
    (reply(ANSWER), ("finance", "admin"), "agents that were reached"),
    (reply(ANSWER, X_AIMux_Route="math"), REACHED, "X-AIMux-Route of the answer"),
    (reply(ANSWER, X_AIMux_Route=None), REACHED, "X-AIMux-Route of the answer"),
    (reply(ANSWER, X_Request_ID=None), REACHED, "no X-Request-ID"),
    (reply(ANSWER, X_Request_ID="r2"), REACHED, "request ID that the agent saw"),
    (reply(ANSWER | {"agent": "math"}), REACHED, "agent that answered"),
    (reply(ANSWER | {"asked_by": "admin-bot"}), REACHED, "caller that the agent saw"),
    (reply(ANSWER | {"asked_by": None}), REACHED, "caller that the agent saw"),
    (reply(ANSWER | {"route": None}), REACHED, "route that the agent saw"),
    (reply(ANSWER | {"answer": "The revenue: 8"}), REACHED, "without 'revenue: 7'"),
    (reply("no object"), REACHED, "agent that answered"),
    (replace(reply(ANSWER), body=b"<html>"), REACHED, "agent that answered"),
    (replace(reply(ANSWER), failure="connection reset"), REACHED, "connection reset"),
]


@pytest.mark.parametrize(("given", "reached", "found"), ANSWERS_GONE_WRONG)
def test_finds_what_is_wrong_with_an_answer(given: Reply, reached: tuple[str, ...], found: str) -> None:
    assert any(found in difference for difference in differences(ANSWERED, given, reached))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (reply(ANSWER), "object"),
        (reply(COMPLETION | {"model": "gpt-5"}), "model"),
        (reply(COMPLETION | {"aimux": None}), "caller that the agent saw"),
        (reply(COMPLETION | {"choices": []}), "without 'revenue: 7'"),
        (reply(COMPLETION | {"choices": [{"message": {"content": None}}]}), "without 'revenue: 7'"),
        (streamed(*CHUNKS), "object"),
    ],
)
def test_finds_what_is_wrong_with_a_completion(given: Reply, found: str) -> None:
    assert any(found in difference for difference in differences(COMPLETED, given, REACHED))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (reply(COMPLETION), "last event"),
        (streamed(*CHUNKS, done=json.dumps(CHUNKS[0])), "last event"),
        (streamed(*CHUNKS, spread=0.19), "the chunks came within 0.19 s"),
        (streamed(CHUNKS[0], CHUNKS[1] | {"object": "chat.completion"}, CHUNKS[2]), "object"),
        (streamed(*CHUNKS[:2], CHUNKS[2] | {"model": None}), "model"),
        (streamed(CHUNKS[0] | {"aimux": SEEN | {"asked_by": None}}, *CHUNKS[1:]), "caller that the agent saw"),
        (streamed(CHUNKS[0], CHUNKS[2]), "without 'revenue: 7'"),
        (streamed(*CHUNKS, "not an object"), "object"),
        (replace(streamed(), body=b"data: {\n\ndata: [DONE]\n\n"), "object"),
    ],
)
def test_finds_what_is_wrong_with_a_stream(given: Reply, found: str) -> None:
    assert any(found in difference for difference in differences(STREAMED, given, REACHED))


@pytest.mark.parametrize(
    ("given", "reached", "found"),
    [
        (reply({"error": ERROR}, 403), (), "status"),
        (reply({"error": ERROR}, 409), ("finance",), "agents that were reached"),
        (reply({"error": ERROR}, 409, Content_Type="text/html"), (), "Content-Type"),
        (reply({"error": ERROR}, 409, Content_Type=None), (), "Content-Type"),
        (reply({"error": ERROR | {"code": "no_route"}}, 409), (), "code"),
        (reply({"error": ERROR | {"status": 400}}, 409), (), "status in the body"),
        (reply({"error": ERROR | {"request_id": ""}}, 409), (), "no request_id"),
        (reply({"error": ERROR | {"candidates": ["a"]}}, 409), (), "candidates"),
        (reply({"error": ERROR | {"candidates": ["a", "b", "c"]}}, 409), (), "candidates"),
        (reply({"error": ERROR | {"candidates": 7}}, 409), (), "candidates"),
        (reply({"error": "ambiguous_route"}, 409), (), "code"),
        (reply([], 409), (), "code"),
    ],
)
def test_finds_what_is_wrong_with_a_refusal(given: Reply, reached: tuple[str, ...], found: str) -> None:
    assert any(found in difference for difference in differences(REFUSED, given, reached))


@pytest.mark.parametrize(
    ("given", "reached", "found"),
    [
        (reply(MODELS, 403), (), "status"),
        (reply(MODELS), ("finance",), "agents that were reached"),
        (reply(MODELS | {"object": "model"}), (), "object"),
        (reply(MODELS | {"data": [{"id": "a"}]}), (), "models"),
        (reply(MODELS | {"data": [{"id": "a"}, {"id": "b"}, {"id": "admin"}]}), (), "models"),
        (reply(MODELS | {"data": 7}), (), "models"),
    ],
)
def test_finds_what_is_wrong_with_a_list(given: Reply, reached: tuple[str, ...], found: str) -> None:
    assert any(found in difference for difference in differences(LISTED, given, reached))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (reply(ANSWER), "200 The revenue: 7"),
        (reply(COMPLETION), "200 The revenue: 7"),
        (streamed(*CHUNKS), "200 4 events over 0.50 s"),
        (reply({"error": ERROR}, 409), "409 ambiguous_route"),
        (reply(MODELS), "200 b, a"),
        (replace(reply(ANSWER), failure="timed out"), "timed out"),
        (reply([1], 500), "500 "),
    ],
)
def test_says_what_came(given: Reply, words: str) -> None:
    assert came(given) == words


def test_joins_the_pieces_of_a_stream() -> None:
    assert said(streamed(*CHUNKS)) == "The revenue: 7"
