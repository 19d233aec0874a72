"""Eager start: a coroutine runs at once as far as it gets, and costs a task only where it needs one.

Most refusals never wait: all that they need is at hand. What waits for a future goes on when that is done, as it would
in a task. Only who yields to others without a future (`asyncio.sleep(0)`) gets a task from there on. Until then there
is no current task, which a timeout, for example, would ask for.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Final

_NOTHING: Final = object()


class Waiting:
    """A coroutine that waits."""

    __slots__ = ("_awaited", "_cancelled", "_coroutine", "_loop", "_task")

    def __init__(self, coroutine: Coroutine[Any, Any, None], awaited: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._wait_for(awaited)

    def cancel(self) -> None:
        """Raise CancelledError in the coroutine where it waits."""
        if self._task is not None:
            self._task.cancel()
        elif not self._awaited.cancel():
            self._cancelled = True  # it is done already: the coroutine hears of this instead

    def _wait_for(self, awaited: Any) -> None:
        if getattr(awaited, "_asyncio_future_blocking", None):
            awaited._asyncio_future_blocking = False
            self._awaited = awaited
            awaited.add_done_callback(self._go_on)
        else:
            self._task = self._loop.create_task(_Resumed(self._coroutine, awaited))

    def _go_on(self, _: object) -> None:
        try:
            if self._cancelled:
                self._cancelled = False
                awaited = self._coroutine.throw(asyncio.CancelledError())
            else:
                awaited = self._coroutine.send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        self._wait_for(awaited)


def start(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> Waiting | None:
    """Run a coroutine as far as it gets now; what waits of it, or None where it has come to its end."""
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return Waiting(coroutine, awaited, loop)


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
