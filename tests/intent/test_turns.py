"""Which texts are read next and together, told as transcripts: what the model is given, run by run."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.core.scores import Scores, TextTooLong
from aimux.intent import turns
from aimux.intent.reader import Plan
from aimux.intent.turns import Job, Turns


@dataclass
class Reader:
    """Windows are words, and a window's vector is its length. Words that begin with `bad` cannot be read."""

    together: int = 4
    runs: list[list[str]] = field(default_factory=list)

    def plan(self, text: str) -> Plan | TextTooLong:
        if text == "no tokens":
            raise RuntimeError(text)
        words = tuple(text.split())
        return TextTooLong(9000, 8192) if text == "endless" else Plan(words, len(words))

    def room(self, window: str) -> int:
        return self.together

    def embed(self, windows: list[str]) -> np.ndarray:
        self.runs.append(list(windows))
        assert len({len(window) for window in windows}) == 1
        assert len(windows) <= self.together
        for window in windows:
            if window.startswith("bad"):
                raise RuntimeError(window)
        return np.array([[len(window)] for window in windows], np.float32)

    def scores(self, plan: Plan, rows: list[np.ndarray]) -> Scores:
        assert len(rows) == len(plan.windows)
        assert all(row.shape == (1, 1) for row in rows)
        return Scores(tuple(float(row[0, 0]) / 10 for row in rows))


class Future:
    def __init__(self) -> None:
        self.given_up = False

    def cancelled(self) -> bool:
        return self.given_up


class Line:
    """Turns over a fake reader, with what it settled by text."""

    def __init__(self, *texts: str, together: int = 4) -> None:
        self.reader = Reader(together)
        self.settled: dict[str, Any] = {}
        self.turns = Turns(self.reader, self._note)  # type: ignore[arg-type]
        self.jobs = {text: Job(text, Future(), float("inf")) for text in texts}  # type: ignore[arg-type]
        self.turns.join(self.jobs.values())

    def _note(self, job: Job, result: Any) -> None:
        assert job.text not in self.settled, "settled twice"
        self.settled[job.text] = result

    def read_all(self) -> list[list[str]]:
        while self.turns.waiting:
            self.turns.take()
            self.turns.join(())
        return self.reader.runs


def test_the_first_is_read_with_those_behind_it_that_are_as_long() -> None:
    line = Line("aa", "bbb", "cc", "ddd", "ee", "f")

    assert line.read_all() == [["aa", "cc", "ee"], ["bbb", "ddd"], ["f"]]
    assert line.settled["cc"] == Scores((0.2,))


def test_a_run_has_no_more_than_the_model_takes_and_the_rest_keeps_its_place() -> None:
    line = Line("aa", "bbb", "cc", "dd", "ee", together=2)

    assert line.read_all() == [["aa", "cc"], ["bbb"], ["dd", "ee"]]


def test_a_model_that_reads_one_at_a_time_reads_in_the_order_of_coming() -> None:
    line = Line("aa", "bbb", "cc", "ddd", together=1)

    assert line.read_all() == [["aa"], ["bbb"], ["cc"], ["ddd"]]


def test_a_text_that_waits_alone_is_read_alone_and_at_once() -> None:
    line = Line("aa")
    line.turns.take()

    assert line.settled == {"aa": Scores((0.2,))}


def test_a_long_text_gives_way_to_all_that_came_meanwhile() -> None:
    line = Line("aa bb cc", together=1)
    line.turns.take()
    line.turns.join([Job("ddd", Future(), float("inf"))])  # type: ignore[arg-type]

    assert line.read_all() == [["aa"], ["ddd"], ["bb"], ["cc"]]
    assert line.settled["aa bb cc"] == Scores((0.2, 0.2, 0.2))


def test_windows_of_long_texts_are_read_together_with_others() -> None:
    line = Line("aa bbb cc", "dd", "ee fff")

    assert line.read_all() == [["aa", "dd", "ee"], ["bbb", "fff"], ["cc"]]


def test_a_fault_is_that_of_the_text_that_has_it_not_of_its_company() -> None:
    line = Line("good1", "bad12", "good2")

    assert line.read_all() == [["good1", "bad12", "good2"], ["good1"], ["bad12"], ["good2"]]
    assert isinstance(line.settled["bad12"], RuntimeError)
    assert line.settled["good1"] == line.settled["good2"] == Scores((0.5,))


def test_what_cannot_be_read_at_all_is_settled_without_a_run() -> None:
    line = Line("no tokens", "endless")

    assert line.read_all() == []
    assert isinstance(line.settled["no tokens"], RuntimeError)
    assert line.settled["endless"] == TextTooLong(9000, 8192)


def test_who_has_left_is_passed_over_and_hears_nothing() -> None:
    line = Line("aa", "bb", "cc")
    line.jobs["bb"].future.given_up = True  # type: ignore[attr-defined]

    assert line.read_all() == [["aa", "cc"]]
    assert "bb" not in line.settled


def test_who_has_waited_too_long_for_a_first_turn_is_refused_but_a_text_half_read_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(turns, "time", type("clock", (), {"monotonic": staticmethod(lambda: now[0])}))
    line = Line("aa bbb", "cccc", together=1)
    for job in line.jobs.values():
        job.deadline = 5.0
    line.turns.take()
    line.turns.join(())
    now[0] = 5.1

    assert line.read_all() == [["aa"], ["bbb"]]
    assert line.settled["cccc"].reason is Reason.OVERLOADED
    assert line.settled["aa bbb"] == Scores((0.2, 0.3))


def test_only_so_many_are_looked_at_for_company() -> None:
    others = [f"{number:03}" for number in range(turns._LOOK_AHEAD)]
    line = Line("aa", *others, "bb")
    line.turns.take()

    assert line.reader.runs == [["aa"]]
    assert not line.jobs[others[-1]].rows
    assert not line.jobs["bb"].windows, "a text beyond is not even tokenised"


def test_everybody_is_sent_away_once() -> None:
    line = Line("aa bb", "ccc", together=1)
    line.turns.take()
    line.turns.leave(Failure(Reason.NOT_READY, "closed"))

    assert {text: failure.reason for text, failure in line.settled.items()} == dict.fromkeys(
        ["aa bb", "ccc"], Reason.NOT_READY
    )
    assert line.turns.waiting == 0


@given(
    texts=st.lists(st.text("a ", min_size=1, max_size=20).filter(str.strip), unique=True, max_size=40),
    together=st.integers(1, 5),
)
def test_every_text_gets_its_own_scores_and_the_first_in_line_is_always_in_the_next_run(
    texts: list[str], together: int
) -> None:
    line = Line(*texts, together=together)
    while line.turns.waiting:
        first = next(text for text in line.jobs if text not in line.settled) if not line.turns._unfinished else None
        before = len(line.reader.runs)
        line.turns.take()
        if first is not None and before == 0:
            assert line.reader.runs[0][0] == first.split()[0]
        line.turns.join(())

    assert line.settled == {text: Scores(tuple(len(word) / 10 for word in text.split())) for text in texts}
