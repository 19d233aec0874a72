"""What `aimux route` says to the questions of a story: the same decision code as the gateway's, but with its scores."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimux.demo.processes import StartError
from aimux.demo.steps import Question

_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ruling:
    """One line of `aimux route --batch`."""

    verdict: str
    route: str | None
    score: float | None
    margin: float | None


def rule(questions: Sequence[Question], config: Path, env: Mapping[str, str]) -> list[Ruling]:
    """The ruling on each question, in their order. Raises StartError."""
    batch = config.with_name("questions.jsonl")
    batch.write_text("".join(f"{_line(question)}\n" for question in questions))
    command = [sys.executable, "-m", "aimux", "route", "--batch", str(batch), "--config", str(config)]
    try:
        done = subprocess.run(  # noqa: S603  (a module of ours)
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StartError(f"aimux route was not ready after {_SECONDS} s") from None
    rulings = [_ruling(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []
    if len(rulings) != len(questions):
        raise StartError(f"aimux route ended with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return rulings


def _line(question: Question) -> str:
    agent = {} if question.agent is None else {"agent": question.agent}
    return json.dumps({"text": question.text} | agent)


def _ruling(line: str) -> Ruling:
    said = json.loads(line)
    return Ruling(said["verdict"], said["route"], said["score"], said["margin"])
