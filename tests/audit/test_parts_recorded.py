"""The part of a text that decided, in records: its words only where the record shows them in the text."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit.entry import entry_of
from aimux.audit.export import FORMATS
from aimux.audit.lines import Scribe
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.request import Reading
from aimux.core.routing import Lead, PartMatch, match
from aimux.core.scores import Scores

Make = Callable[..., Any]
UPSTREAM = Upstream("http://a", secure=False, host="a", port=80, base_path="")
TICKETS, OTHER = (Route(name, UPSTREAM, Access.OPEN, intents=("x",)) for name in ("tickets", "deployments"))
POLICY = Policy.of((TICKETS, OTHER), digest="c" * 64)
SCORES = Scores((0.2, 0.3))
CLOSE = "close case 88"


def record_of(made: Make, text: str, words: str = CLOSE, *, field: str = "query") -> Any:
    record = made(3, text=text, route="tickets")
    whole = match(POLICY, SCORES)
    assert whole is not None
    start = text.find(words)
    span = None if start < 0 else (start, start + len(words))
    part = PartMatch(Lead(TICKETS, 0.61234, OTHER, 0.1), chose=True, words=words, span=span)
    record.scored, record.match, record.policy = (POLICY, SCORES), replace(whole, part=part), POLICY
    record.said = Reading((), text, "json", field=field)
    return record


def read(body: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads("{" + body)
    return fields


def part_of(record: Any, text: str = "full", excerpt: int = 200, **hidden: tuple[str, ...]) -> dict[str, Any]:
    redactor = Redactor(hidden.get("headers", ()), hidden.get("fields", ()))
    found: dict[str, Any] = read(Scribe(TextPolicy(text, excerpt), redactor).decision(record))["part"]
    return found


def test_the_part_has_its_place_and_the_scores_are_those_that_decided(made: Make) -> None:
    found = read(Scribe(TextPolicy("full"), Redactor()).decision(record_of(made, f"hello. {CLOSE}, bye")))
    assert found["part"] == {"route": "tickets", "start": 7, "end": 20, "text": CLOSE, "score": 0.6123}
    assert (found["score"], found["runner_up"], found["margin"]) == (0.6123, "deployments", 0.5123)
    assert found["scores"] == [["deployments", 0.3, 0.4], ["tickets", 0.2, 0.4]]


def test_a_decision_by_the_whole_has_none(made: Make) -> None:
    record = record_of(made, CLOSE)
    record.match = replace(record.match, part=None)
    assert "part" not in read(Scribe(TextPolicy("full"), Redactor()).decision(record))


@pytest.mark.parametrize(
    ("text", "policy", "shown"),
    [
        (f"hello. {CLOSE}", {"text": "full"}, CLOSE),
        (f"hello. {CLOSE}", {"text": "excerpt"}, CLOSE),
        (f"hello. {CLOSE}", {"text": "none"}, None),
        (f"hello. {CLOSE}", {"text": "excerpt", "excerpt": 20}, CLOSE),
        (f"hello. {CLOSE}", {"text": "excerpt", "excerpt": 19}, None),
        (f"{'word ' * 20_000}{CLOSE}", {"text": "full"}, None),
        (f"hello. {CLOSE}", {"fields": ("query",)}, None),
        (f"the password is: {CLOSE}", {}, CLOSE),
    ],
)
def test_its_words_are_where_the_text_shows_them(
    made: Make, text: str, policy: dict[str, Any], shown: str | None
) -> None:
    found = part_of(record_of(made, text), **policy)
    assert (found["text"], found["start"]) == (shown, text.index(CLOSE))


def test_words_that_were_a_secret_s_value_stay_unsaid(made: Make) -> None:
    """By themselves they look like no secret: what stands before them in the text makes them one."""
    text = 'thanks. {"password": "open sesame now"} close it'
    found = part_of(record_of(made, text, "open sesame now"))
    assert found["text"] is None
    assert found["start"] == text.index("open")
    body = Scribe(TextPolicy("full"), Redactor()).decision(record_of(made, text, "open sesame now"))
    assert "sesame" not in body


def test_words_that_stand_nowhere_in_the_text_are_not_recorded(made: Make) -> None:
    record = record_of(made, "e2xvc2UgY2FzZQ== is what I ask for", "lose case")
    assert part_of(record) == {"route": "tickets", "start": None, "end": None, "text": None, "score": 0.6123}


def test_words_of_an_earlier_turn_are_not_those_of_the_last_one(made: Make) -> None:
    record = record_of(made, f"hello. {CLOSE}")
    record.said, record.turn = Reading((), "and the other one, of friday?", "messages"), 1
    found = part_of(record)
    assert (found["start"], found["end"], found["text"]) == (7, 20, None)


@given(st.text("abc: =\"'pasword{},.", max_size=60), st.data())
def test_a_part_never_shows_what_the_text_does_not(made: Make, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    words = text[start : data.draw(st.integers(start, len(text)))]
    record = record_of(made, text or "x", words)
    if words:
        record.match = replace(record.match, part=replace(record.match.part, span=(start, start + len(words))))
    policy = data.draw(st.sampled_from((TextPolicy("full"), TextPolicy("excerpt", 10), TextPolicy("none"))))
    found = read(Scribe(policy, Redactor()).decision(record))
    if found["part"]["text"] is not None:
        assert found["part"]["text"] in (found["text"] or "")


PART = {"route": "tickets", "start": 7, "end": 20, "text": "=close", "score": 0.61}


@pytest.mark.parametrize("part", [PART, None])
def test_readers_and_exports_have_it_and_take_records_without_it(made: Make, part: dict[str, Any] | None) -> None:
    scribe = Scribe(TextPolicy("full"), Redactor())
    record = record_of(made, f"hello. {CLOSE}")
    decision = {"seq": 1, **read(scribe.decision(record))}
    outcome = {"seq": 2, **read(scribe.outcome(record, 1, 0.0))}
    del decision["part"]
    entry = entry_of(0, decision if part is None else {**decision, "part": part}, outcome)
    assert (entry["part"], entry["best"], entry["best_score"]) == (part, "deployments", 0.3)
    assert json.loads("".join(FORMATS["jsonl"]([entry]))) == entry
    (row,) = csv.DictReader(io.StringIO("".join(FORMATS["csv"]([entry])), newline=""))
    columns = ["best", "best_score", *(f"part_{name}" for name in ("route", "start", "end", "text", "score"))]
    assert list(row)[list(row).index("best") :][:7] == columns
    assert row["best"] == "deployments"
    assert row["part_route"] == ("" if part is None else "tickets")
    # No cell is a formula.
    assert row["part_text"] == ("" if part is None else "'=close")
    assert ("aimux.part.start" in "".join(FORMATS["otlp"]([entry]))) is (part is not None)


@pytest.mark.parametrize("part", ["x", 7, {"route": "tickets"}, [1], {**PART, "score": "high"}])
def test_a_part_that_is_none_is_left_out_of_its_request(made: Make, part: object) -> None:
    scribe = Scribe(TextPolicy("full"), Redactor())
    decision = {"seq": 1, **read(scribe.decision(record_of(made, CLOSE)))}
    del decision["part"]
    assert entry_of(0, {**decision, "part": part}, None) == entry_of(0, decision, None)
