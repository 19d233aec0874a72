"""The finance agent: answers questions on revenue, costs, profit and budget from a small table of made-up figures."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent, run


@dataclass(frozen=True, slots=True)
class Quarter:
    """Three months of a company that does not exist, in thousand euros."""

    name: str
    revenue: int
    costs: int
    budget: int

    @property
    def profit(self) -> int:
        """What is left of the revenue."""
        return self.revenue - self.costs


YEAR = (
    Quarter("Q1", revenue=412, costs=318, budget=330),
    Quarter("Q2", revenue=448, costs=341, budget=335),
    Quarter("Q3", revenue=505, costs=352, budget=360),
    Quarter("Q4", revenue=538, costs=379, budget=370),
)
LAST = YEAR[-1]

_ORDINALS = {"first": "q1", "second": "q2", "third": "q3", "fourth": "q4", "last": "q4"}
_QUARTER = re.compile(r"\b(q[1-4])\b|\b(first|second|third|fourth|last) quarter\b")

Figure = Callable[[Quarter], int]
_FIGURES: dict[str, tuple[re.Pattern[str], Figure]] = {
    "profit": (re.compile(r"profit|margin|earning"), lambda quarter: quarter.profit),
    "costs": (re.compile(r"cost|spen|expense"), lambda quarter: quarter.costs),
    "revenue": (re.compile(r"revenue|sales|income|turnover|money"), lambda quarter: quarter.revenue),
}


def answer(question: Question) -> str:
    """One sentence with figures. What is asked for is found by keywords: the gateway has found the meaning already."""
    asked = question.words
    if re.search(r"forecast|predict|next|outlook|expect", asked):
        return _forecast()
    quarter = _quarter(asked)
    if "budget" in asked:
        return _budget(quarter or LAST)
    for name, (pattern, figure) in _FIGURES.items():
        if pattern.search(asked):
            return _figure(name, figure, quarter)
    return _figure("revenue", lambda each: each.revenue, quarter)


def _quarter(asked: str) -> Quarter | None:
    found = _QUARTER.search(asked)
    if found is None:
        return None
    name = found[1] or _ORDINALS[found[2]]
    return next(quarter for quarter in YEAR if quarter.name.lower() == name)


def _figure(name: str, figure: Figure, quarter: Quarter | None) -> str:
    if quarter is None:
        listed = ", ".join(f"{each.name} {figure(each)}" for each in YEAR)
        return f"The {name} of the year: {sum(map(figure, YEAR))} thousand euros ({listed}), {_trend(figure, LAST)}."
    return f"The {name} of {quarter.name}: {figure(quarter)} thousand euros, {_trend(figure, quarter)}."


def _trend(figure: Figure, quarter: Quarter) -> str:
    position = YEAR.index(quarter)
    if position == 0:
        return "the first quarter on record"
    before = YEAR[position - 1]
    change = 100 * (figure(quarter) - figure(before)) / figure(before)
    return f"{quarter.name} {change:+.1f} % on {before.name}"


def _budget(quarter: Quarter) -> str:
    left = quarter.budget - quarter.costs
    state = f"{left} thousand euros left" if left >= 0 else f"{-left} thousand euros over it"
    return f"The budget of {quarter.name}: {quarter.budget} thousand euros, {quarter.costs} spent, {state}."


def _forecast() -> str:
    growth = (LAST.revenue - YEAR[0].revenue) / (len(YEAR) - 1)
    return f"At the year's average growth, next quarter's revenue comes to {LAST.revenue + growth:.0f} thousand euros."


AGENT = Agent("finance", answer)

if __name__ == "__main__":
    run(AGENT)
