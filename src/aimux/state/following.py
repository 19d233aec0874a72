"""Following the standing: the facts by which requests are decided, read whole at first and then change by change."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from aimux.core.reason import Failure
from aimux.core.standing import Standing
from aimux.state.store import StartOver, StateStore, StoredChange

STANDING: Final = "standing"
"""The space of facts. Each is a JSON object {"kind": string, "critical": boolean, ...}."""
_AGAIN: Final = 0.2
_UNREAD_FOR: Final = 1.0
"""Seconds for which the store cannot be read before it is told: one late answer of a busy machine is none."""

Words = Callable[[str | None], None]


class StandingFollower:
    """Keeps the facts of the space `standing`, and tells what follows from them, on the event loop.

    `tell` gets the standing after each change, in order. `obstacle` gets words while there is a fact that this build
    must heed and does not know, so that the gateway must serve nobody, and None once it is gone. `unread` gets words
    once the store could not be read for a second, and None once it can: meanwhile the last standing stays in force.
    Neither is told the same twice in a row.
    """

    def __init__(self, store: StateStore, tell: Callable[[Standing], None], obstacle: Words, unread: Words) -> None:
        self._store = store
        self._tell = tell
        self._obstacle = _Told(obstacle)
        self._unread = _Told(unread)
        self._facts: dict[str, bytes] = {}
        self._unknown: dict[str, str] = {}
        self._version: int | None = None
        self._failing_since: float | None = None
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow, until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def ready(self) -> None:
        """Wait until all facts were read once, and told. It waits for as long as they cannot be read."""
        await self._ready.wait()

    async def stop(self) -> None:
        """Follow no longer. The store is closed after this."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_on_or_tell()
            except Exception as error:  # whatever it is, nobody knows any more what is to be refused
                self._version = None
                self._obstacle(
                    f"the state cannot be followed ({type(error).__name__}: {error}): if this stays, restart the "
                    "gateway, and restore the state from a backup where that does not help"
                )
                await asyncio.sleep(_AGAIN)

    async def _read_on_or_tell(self) -> None:
        try:
            await self._read_on()
        except Failure as failure:
            now = asyncio.get_running_loop().time()
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since >= _UNREAD_FOR:
                self._unread(f"the state cannot be read: {failure.detail or failure.message}")
            await asyncio.sleep(_AGAIN)

    async def _read_on(self) -> None:
        """Read what is there, or go on from the last change. Raises Failure."""
        if self._version is None:
            await self._read_all()
        else:
            await self._store.get(STANDING, STANDING)  # only to see that it can be read again
        self._failing_since = None
        self._unread(None)
        async for change in self._store.watch(STANDING, self._version or 0):
            if isinstance(change, StartOver):
                self._version = None
                return
            self._take(change)

    async def _read_all(self) -> None:
        contents = await self._store.entries(STANDING)
        self._facts = {entry.key: entry.value for entry in contents.entries}
        self._unknown = {key: why for key, value in self._facts.items() if (why := why_unknown(value))}
        self._say(contents.version)
        self._ready.set()

    def _take(self, change: StoredChange) -> None:
        self._unknown.pop(change.key, None)
        if change.value is None:
            self._facts.pop(change.key, None)
        else:
            self._facts[change.key] = change.value
            if why := why_unknown(change.value):
                self._unknown[change.key] = why
        self._say(change.version)

    def _say(self, version: int) -> None:
        self._version = version
        self._obstacle(_words_of(self._unknown))
        self._tell(Standing(version=version))


class _Told:
    """Says words only where they differ from the last ones."""

    def __init__(self, say: Words) -> None:
        self._say = say
        self._last: str | None = None

    def __call__(self, words: str | None) -> None:
        if words != self._last:
            self._last = words
            self._say(words)


def why_unknown(value: bytes) -> str | None:
    """The reason to serve nobody while this fact is there; None where there is none. This build knows no kind yet."""
    try:
        fact: Any = json.loads(value.decode(), object_pairs_hook=_each_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "it cannot be read"
    if not isinstance(fact, dict) or not isinstance(fact.get("kind"), str) or type(fact.get("critical")) is not bool:
        return "it has no kind, or does not say whether it is critical"
    return f"its kind {fact['kind'][:64]!r} is critical and unknown to this version" if fact["critical"] else None


def _words_of(unknown: dict[str, str]) -> str | None:
    if not unknown:
        return None
    key, why = next(iter(unknown.items()))
    more = f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    return (
        f"the state holds what this version cannot heed (the fact {key[:64]!r}: {why}{more}): run the version that "
        "wrote it"
    )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
