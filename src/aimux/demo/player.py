"""Plays a story: sends each call, and says of each what came and whether it had to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aimux.demo.client import Reply, send
from aimux.demo.judge import came, differences
from aimux.demo.ruling import Ruling
from aimux.demo.stage import Stage
from aimux.demo.steps import Answered, Chapter, Listed, Question, Step


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one step. `score` is that of the best route; `differences` is empty where all is as expected."""

    who: str
    what: str
    expected: str
    came: str
    route: str | None
    score: float | None
    milliseconds: float
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


def questions(story: Iterable[Chapter]) -> list[Question]:
    """The questions of a story whose decision depends on a text, each once."""
    return list(dict.fromkeys(step.question for chapter in story for step in chapter.steps if step.question))


def play(stage: Stage, chapter: Chapter, rulings: Mapping[Question, Ruling]) -> Iterator[Row]:
    """Play one chapter, step by step."""
    for step in chapter.steps:
        yield _play(stage, step, rulings)


def _play(stage: Stage, step: Step, rulings: Mapping[Question, Ruling]) -> Row:
    if step.before:
        stage.happen(step.before)
    before = stage.answered()
    reply = send(stage.port, step.call)
    reached = _reached(before, stage.answered())
    ruling = rulings[step.question] if step.question else None
    found = (*differences(step.expected, reply, reached), *_disagreements(step, ruling))
    return Row(
        who=step.who,
        what=step.what,
        expected=str(step.expected),
        came=came(reply),
        route=_route(step, ruling, reply),
        score=ruling.score if ruling else None,
        milliseconds=round(reply.seconds * 1000, 1),
        differences=found,
    )


def _reached(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(name for name, count in after.items() for _ in range(count - before[name]))


def _disagreements(step: Step, ruling: Ruling | None) -> Iterator[str]:
    """Where `aimux route` decides otherwise than the gateway had to."""
    expected = step.expected
    if ruling is None or isinstance(expected, Listed):
        return
    if ruling.verdict != expected.verdict:
        yield f"aimux route decides {ruling.verdict!r} instead of {expected.verdict!r}"
    if isinstance(expected, Answered) and expected.verdict == "forward" and ruling.route != expected.route:
        yield f"aimux route finds {ruling.route!r} instead of {expected.route!r}"


def _route(step: Step, ruling: Ruling | None, reply: Reply) -> str | None:
    """The route that was taken, or that the text means, or that was named."""
    taken = reply.header("X-AIMux-Route")
    meant = ruling.route if ruling else step.call.headers.get("X-AIMux-Route")
    return taken or meant
