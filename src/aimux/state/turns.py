"""Operations of one turn of the event loop: carried out together, or given up before they have begun."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aimux.core.reason import Failure
from aimux.state.database import Database
from aimux.state.store import Durability


@dataclass(slots=True, eq=False)
class StoreJob:
    """One operation. The thread puts its outcome down, the event loop hands it over."""

    run: Callable[[Database], Any]
    future: "asyncio.Future[Any]"
    durability: Durability | None = None
    """None: it only reads."""
    outcome: Any = None
    error: Exception | None = None

    def carry_out(self, database: Database) -> None:
        """Run it within the transaction; what it refuses is its own outcome. Raises sqlite3.Error."""
        try:
            self.outcome, self.error = self.run(database), None
        except (ValueError, OverflowError) as error:
            self.error = error

    def fail(self, failure: Failure) -> None:
        """It was not carried out, or may not have been."""
        self.error = failure


@dataclass(slots=True, eq=False)
class StoreTurn:
    """The operations of one turn. Either the thread begins it or the event loop gives it up, whoever is first."""

    jobs: list[StoreJob] = field(default_factory=list)
    is_given_up: bool = False
    is_done: bool = False
    """Whether all outcomes are there."""
    _decided: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> bool:
        """Whether the thread may carry it out. Called once by it."""
        return self._decided.acquire(blocking=False)

    def give_up(self) -> bool:
        """Whether it was given up before it began."""
        if not self.is_given_up:
            self.is_given_up = self._decided.acquire(blocking=False)
        return self.is_given_up

    def hand_over(self) -> None:
        """Give all that still wait their outcomes."""
        for job in self.jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.outcome)

    def fail(self, failure: Callable[[], Failure]) -> None:
        """Refuse all that still wait."""
        for job in self.jobs:
            if not job.future.done():
                job.future.set_exception(failure())
