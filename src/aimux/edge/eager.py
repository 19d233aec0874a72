"""Eager start: a coroutine runs at once as far as it gets, and has a task only from where it first waits.

Most refusals never wait: all that they need is at hand. Python 3.12 has eager tasks; this is what is needed of them on
3.11 too. Until the first wait there is no current task.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Final

_NOTHING: Final = object()


def start(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
    """Run a coroutine as far as it gets now; a task for the rest, or None where it has come to its end."""
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return loop.create_task(_Resumed(coroutine, awaited))


class _Resumed(Coroutine[Any, Any, None]):
    """A coroutine that waits for something already: what it waits for is told to the task first."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, None], awaited: object) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def send(self, value: Any) -> Any:
        awaited, self._awaited = self._awaited, _NOTHING
        return self._coroutine.send(value) if awaited is _NOTHING else awaited

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:  # noqa: ARG002
        # A task that is cancelled before its first step throws without having sent: the coroutine waits all the same.
        self._awaited = _NOTHING
        return self._coroutine.throw(kind if value is None else value)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise TypeError("this belongs to its task")
