"""What the scripts have in common: tasks come in as lines of JSON, and what the client's user sees goes out as one."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clients.scripts import REACHED

Answer = str
MODEL = "gpt-4.1"
KEY = "sk-of-no-value"
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"quarter": {"type": "string"}},
    "required": ["quarter"],
    "additionalProperties": False,
}
"""The arguments of the one tool."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: with the gateway at this address, these headers, this text, and this result of the tool."""

    action: str
    gateway: str
    headers: dict[str, str]
    text: str
    result: str

    @property
    def base(self) -> str:
        """The base address of OpenAI's API."""
        return f"{self.gateway}/v1"


def revenue_of(task: Task) -> Callable[[str], str]:
    """The tool as a function, for libraries that make one of its signature and docstring."""

    def revenue(quarter: str) -> str:
        """The revenue of a quarter."""
        return task.result

    return revenue


def serve(actions: Mapping[str, Callable[[Task], Answer]]) -> None:
    """Do the tasks on standard input, one after the other, until it ends.

    The first line out names the actions. What libraries print goes to standard error.
    """
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"actions": list(actions)}), file=told)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        print(json.dumps(_play(actions[task.action], task)), file=told)


def _play(action: Callable[[Task], Answer], task: Task) -> dict[str, object]:
    started = time.monotonic()
    del REACHED[:]
    try:
        answered, seen = True, action(task)
    except Exception as error:  # whatever a client raises is what is asked for here
        answered, seen = False, f"{_name(type(error))}: {error}"
    return {"answered": answered, "seen": seen, "seconds": time.monotonic() - started, "reached": REACHED}


def _name(kind: type[BaseException]) -> str:
    """The class with its package, as users write it in `except`."""
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def joined(parts: list[str | None]) -> Answer:
    """The pieces of a stream as one text."""
    return "".join(part or "" for part in parts)
