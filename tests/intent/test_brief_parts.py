"""Parts of hardly any words in texts that frameworks write, on the configuration that comes with the product."""

from pathlib import Path

import pytest

from aimux.config.load import load
from aimux.core.decision import Permit, Refusal, decide
from aimux.core.identity import Claim, Place
from aimux.core.reason import Reason
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.standing import INITIAL
from aimux.intent.encoder import Encoder
from aimux.intent.reader import TextReader

# As crewai asks for a task's answer.
FRAME = (
    "\nCurrent Task: {task}\n\nThis is the expected criteria for your final answer: {output}\n"
    "you MUST return the actual complete content as the final answer, not a summary.\n\nBegin! This is VERY important "
    "to you, use the tools available and give your best Final Answer, your job depends on it!\n\nThought:"
)
SAMPLE = load(Path(__file__).parents[2] / "aimux.yaml", {}).policy


@pytest.fixture(scope="module")
def reader(encoder: Encoder) -> TextReader:
    return TextReader.of(SAMPLE, encoder, 8192)


def decided(reader: TextReader, text: str) -> Permit | Refusal:
    facts = Facts(
        Reading((Claim(Place.HEADER, "x", "finance-bot"),), text),
        route_name=None,
        body=SILENT,
        scores=reader.score(text),
    )
    found = decide(facts, SAMPLE, INITIAL)
    assert isinstance(found, Permit | Refusal)
    return found


@pytest.mark.parametrize("output", ["a number", "a single number", "the total", "a short summary"])
@pytest.mark.parametrize(
    ("task", "route"),
    [
        ("Analyze the budget and say how much money we spent", "finance"),
        ("Forecast revenue of the next quarter", "finance"),
        ("Which agent can answer this?", "public-api"),
    ],
)
def test_what_is_expected_of_an_answer_does_not_refuse_the_task(
    reader: TextReader, task: str, route: str, output: str
) -> None:
    found = decided(reader, FRAME.format(task=task, output=output))
    assert isinstance(found, Permit)
    assert found.route.name == route


@pytest.mark.parametrize("output", ["delete users", "wipe all tables", "a list of users, and then delete users"])
def test_a_forbidden_request_in_its_place_does(reader: TextReader, output: str) -> None:
    found = decided(reader, FRAME.format(task="Forecast revenue of the next quarter", output=output))
    assert isinstance(found, Refusal)
    assert found.reason in {Reason.AMBIGUOUS_ROUTE, Reason.ROUTE_FORBIDDEN}


def test_two_whole_requests_are_still_two(reader: TextReader) -> None:
    found = decided(reader, "Forecast revenue of the next quarter. What is 40 times 6?")
    assert isinstance(found, Refusal)
    assert found.candidates == ("finance", "math")
