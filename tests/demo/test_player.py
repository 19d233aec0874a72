"""The player against gateways that are wrong in one way each. A gateway here is a few lines, and answers in full."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aimux.demo.player import Row, play, questions
from aimux.demo.ruling import Ruling
from aimux.demo.steps import (
    Answered,
    Call,
    Chapter,
    Event,
    Expectation,
    Prop,
    Question,
    Refused,
    Step,
    Streamed,
)
from aimux.demo.story import STORY, asks


@dataclass(frozen=True, slots=True)
class Said:
    """What a gateway says, and to which agents it passes the request on."""

    document: dict[str, object]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reaches: tuple[str, ...] = ()
    pieces: tuple[bytes, ...] = ()


@dataclass
class FakeStage:
    """A stage whose gateway is a function of the request's target."""

    port: int
    counts: dict[str, int]
    events: list[Event] = field(default_factory=list)

    def answered(self) -> Mapping[str, int]:
        return dict(self.counts)

    def happen(self, event: Event) -> None:
        self.events.append(event)


Staging = Callable[[Callable[[str], Said]], FakeStage]


@pytest.fixture
def stage() -> Iterator[Staging]:
    with ExitStack() as stack:

        def start(answer: Callable[[str], Said]) -> FakeStage:
            counts = {"math": 0, "finance": 0, "admin": 0}

            class Handler(BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def do_GET(self) -> None:
                    said = answer(self.path)
                    for agent in said.reaches:
                        counts[agent] += 1
                    pieces = said.pieces or (json.dumps(said.document).encode(),)
                    self.send_response(said.status)
                    for name, value in said.headers.items():
                        self.send_header(name, value)
                    if "Content-Length" not in said.headers:
                        self.send_header("Content-Length", str(sum(map(len, pieces))))
                    self.end_headers()
                    for piece in pieces:
                        self.wfile.write(piece)

                def log_message(self, *_: object) -> None:
                    pass

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return FakeStage(server.server_port, counts)

        yield start


QUESTION = Question("what is 50 times 3", None)
RULING = Ruling("forward", "math", 0.58, 0.4)
STEP = asks("anonymous", QUESTION.text, Answered("math", "math", None, "150"))
RIGHT = Said(
    {"answer": "150", "agent": "math", "asked_by": None, "route": "math", "request_id": "r1"},
    headers={"X-AIMux-Route": "math", "X-Request-ID": "r1", "Content-Type": "application/json"},
    reaches=("math",),
)


def played(stage: FakeStage, step: Step, ruling: Ruling = RULING) -> Row:
    (row,) = play(stage, Chapter("one", (step,)), {step.question: ruling} if step.question else {})
    return row


def test_a_right_answer_passes(stage: Staging) -> None:
    started = time.monotonic()
    row = played(stage(lambda _: RIGHT), STEP)
    assert 0 < row.milliseconds <= 1000 * (time.monotonic() - started) + 0.1
    assert row.passed
    assert (row.who, row.what, row.expected, row.came) == ("anonymous", QUESTION.text, "200 math", "200 150")
    assert (row.route, row.score) == ("math", 0.58)


def test_counts_what_reaches_an_agent_anew_for_each_step(stage: Staging) -> None:
    rows = list(play(stage(lambda _: RIGHT), Chapter("three", (STEP,) * 3), {QUESTION: RULING}))
    assert [row.passed for row in rows] == [True] * 3


def test_shows_the_route_that_was_taken_and_the_score_of_the_best(stage: Staging) -> None:
    """A text below the thresholds goes to the fallback; the score says how far below it is."""
    fallen = replace(RIGHT, headers=RIGHT.headers | {"X-AIMux-Route": "fallback"})
    row = played(stage(lambda _: fallen), STEP, Ruling("fallback", "math", 0.12, 0.01))
    assert (row.route, row.score) == ("fallback", 0.12)


def test_asks_what_the_step_says(stage: Staging) -> None:
    asked: list[str] = []
    played(stage(lambda target: asked.append(target) or RIGHT), asks("finance-bot", "a b", STEP.expected), RULING)  # type: ignore[func-returns-value]
    assert asked == ["/?client_id=finance-bot&q=a+b"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, status=500),
        replace(RIGHT, document=RIGHT.document | {"answer": "151"}),
        replace(RIGHT, document=RIGHT.document | {"agent": "finance"}),
        replace(RIGHT, document=RIGHT.document | {"asked_by": "admin-bot"}),
        replace(RIGHT, document=RIGHT.document | {"route": "finance"}),
        replace(RIGHT, headers=RIGHT.headers | {"X-AIMux-Route": "finance"}),
        replace(RIGHT, reaches=()),
        replace(RIGHT, reaches=("math", "admin")),
        Said({"error": {"code": "route_forbidden", "status": 403, "request_id": "r1"}}, 403),
    ],
)
def test_a_wrong_answer_fails(stage: Staging, wrong: Said) -> None:
    assert not played(stage(lambda _: wrong), STEP).passed


REFUSED = Said(
    {"error": {"code": "route_forbidden", "status": 403, "request_id": "r1"}},
    403,
    headers={"Content-Type": "application/json", "X-Request-ID": "r1"},
)


def test_a_refusal_that_reached_an_agent_fails(stage: Staging) -> None:
    step = replace(STEP, expected=Refused(403, "route_forbidden"))
    ruling = replace(RULING, verdict="route_forbidden")
    assert played(stage(lambda _: REFUSED), step, ruling).passed
    row = played(stage(lambda _: replace(REFUSED, reaches=("admin",))), step, ruling)
    assert row.differences == ("agents that were reached: ('admin',) instead of ()",)


def test_a_gateway_that_is_gone_fails(stage: Staging) -> None:
    gone = stage(lambda _: RIGHT)
    gone.port = 1
    row = played(gone, STEP)
    assert not row.passed
    assert "refused" in row.came


@pytest.mark.parametrize(
    ("ruling", "difference"),
    [
        (replace(RULING, verdict="ambiguous_route"), "aimux route decides 'ambiguous_route' instead of 'forward'"),
        (replace(RULING, verdict="fallback"), "aimux route decides 'fallback' instead of 'forward'"),
        (replace(RULING, route="finance"), "aimux route finds 'finance' instead of 'math'"),
    ],
)
def test_a_ruling_that_disagrees_fails(stage: Staging, ruling: Ruling, difference: str) -> None:
    assert played(stage(lambda _: RIGHT), STEP, ruling).differences == (difference,)


def test_a_broken_upstream_is_no_disagreement(stage: Staging) -> None:
    error = {"code": "upstream_unreachable", "status": 502, "request_id": "r1"}
    broken = Said({"error": error}, 502, headers={"Content-Type": "application/json"})
    step = replace(STEP, expected=Refused(502, "upstream_unreachable", decided="forward"))
    assert played(stage(lambda _: broken), step).passed


def test_chunks_that_come_all_at_once_fail(stage: Staging) -> None:
    seen = {"agent": "math", "asked_by": None, "route": "math", "request_id": "r1"}
    chunk = {"object": "chat.completion.chunk", "model": "m", "choices": [{"delta": {"content": "150"}}], "aimux": seen}
    pieces = (f"data: {json.dumps(chunk)}\n\n".encode(), b"data: [DONE]\n\n")
    at_once = replace(RIGHT, pieces=(b"".join(pieces),))
    step = Step("anonymous", "stream", Call("/v1/chat/completions"), Streamed("math", "math", None, "150", "m", 0.2))
    row = played(stage(lambda _: at_once), step)
    assert len(row.differences) == 1
    assert row.differences[0].startswith("the chunks came within 0.00 s")


def test_an_answer_that_ends_early_fails(stage: Staging) -> None:
    short = replace(RIGHT, headers=RIGHT.headers | {"Content-Length": "5000", "Connection": "close"})
    row = played(stage(lambda _: short), STEP)
    assert row.differences == (f"the answer ended {5000 - len(json.dumps(RIGHT.document))} bytes early",)


def test_an_event_happens_before_its_step(stage: Staging) -> None:
    fake = stage(lambda _: RIGHT)
    event = Event(Prop.KILL, "math")
    assert played(fake, replace(STEP, before=event)).passed
    assert fake.events == [event]


def test_shows_the_route_that_was_named(stage: Staging) -> None:
    step = Step("bot", "named", Call("/", headers={"X-AIMux-Route": "admin"}), Refused(403, "route_forbidden"))
    row = played(stage(lambda _: REFUSED), step)
    assert (row.passed, row.route, row.score) == (True, "admin", None)


STEPS = [step for chapter in STORY for step in chapter.steps]


def _kinds(expected: Expectation) -> str:
    return expected.code if isinstance(expected, Refused) else type(expected).__name__


def test_the_story_tells_everything() -> None:
    assert {_kinds(step.expected) for step in STEPS} >= {
        "Answered",
        "Completed",
        "Streamed",
        "Listed",
        "anonymous_forbidden",
        "route_forbidden",
        "unknown_agent",
        "identity_malformed",
        "no_text",
        "no_route",
        "ambiguous_route",
        "upstream_unreachable",
    }
    answered = {step.expected.route for step in STEPS if isinstance(step.expected, Answered)}
    assert answered == {"math", "finance", "admin", "public-api", "health", "fallback"}


def test_every_text_of_the_story_is_put_to_the_dry_run() -> None:
    """Named routes, unreadable requests and lists are all that is decided without a text."""
    without = [step.what for step in STEPS if step.question is None]
    assert len(without) == 7
    assert all(question.text for question in questions(STORY))
    assert len(set(questions(STORY))) == len(questions(STORY))


def test_each_step_of_the_story_can_fail(stage: Staging) -> None:
    """A gateway that says nothing sensible passes no step."""
    fake = stage(lambda _: Said({}, 200))
    fake_rulings = {question: Ruling("internal", None, None, None) for question in questions(STORY)}
    for chapter in STORY:
        got = [replace(step, call=replace(step.call, method="GET", body=None), before=None) for step in chapter.steps]
        assert not any(row.passed for row in play(fake, Chapter(chapter.title, tuple(got)), fake_rulings))
