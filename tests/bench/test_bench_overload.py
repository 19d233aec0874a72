"""The benchmark of overload: what it reads of wrk, and what its table says."""

import json
import math

import pytest

from bench import BenchError
from bench.machine import Machine
from bench.overload import ONE, TWO, Counted, Report, Round, markdown, parse
from bench.steady import Window


def counted(served: int, refused: int = 0, other: int = 0) -> Counted:
    return Counted(served, refused, other, 2.0)


def test_the_counts_are_read() -> None:
    line = {"served": 10, "refused": 30, "other": 1, "seconds": 2.0}
    found = parse(f"Running 2s test\nCOUNTED {json.dumps(line)}\n")
    assert found == Counted(10, 30, 1, 2.0)
    assert (found.goodput, found.offered) == (5.0, 20.0)


@pytest.mark.parametrize(
    "output", ["", "unable to connect", 'COUNTED {"served": 0, "refused": 9, "other": 0, "seconds": 1}']
)
def test_without_counts_or_service_there_is_no_figure(output: str) -> None:
    with pytest.raises(BenchError):
        parse(output)


def test_the_table_compares_within_each_round() -> None:
    page = Window((0.001, 0.002, 0.010), ())
    rounds = [Round(counted(100), counted(90, 400), (page, page)), Round(counted(200), counted(200, 700), (page, page))]
    report = Report(
        Machine("CPU", 2, siblings=False, system="Linux", python="3.11", load_before=0.1),
        {ONE: rounds, TWO: rounds[:1]},
    )
    kept = report.kept(ONE)
    assert kept is not None
    assert math.isclose(kept.median, 0.95)
    text = markdown(report, "2026-01-01")
    assert "| Served under overload, times the peak | 0.95 (0.90 - 1.00) | 0.90 (0.90 - 0.90) |" in text
    assert "| Refused with 503 and Retry-After | 1,100 | 400 |" in text
    assert "10.0 ms" in text
