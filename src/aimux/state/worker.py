"""The thread that alone uses the file: it carries out turns, hears of other processes, and looks after the file."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from aimux.state.checkpoints import CheckpointThread
from aimux.state.database import Database
from aimux.state.operating import unavailable
from aimux.state.store import Durability
from aimux.state.troubles import GONE, is_busy, is_final, words_of
from aimux.state.turns import StoreJob, StoreTurn

LISTEN_EVERY: Final = 0.05
"""Seconds between two looks for changes of other processes."""
_UPKEEP_EVERY: Final = 0.25
_PROBE_EVERY: Final = 1.0
_TOGETHER: Final = 16
_CHECKPOINT_WAIT: Final = 1.0

Answered = Callable[[Sequence[StoreTurn], bool], None]
"""Called in the thread with turns that are done, and whether watchers may have something to read."""


class StoreWorker(threading.Thread):
    """Takes turns from `turns` until it gets None. `trouble` is for all to read, and `is_lost` once it is for good.

    It waits at most `patience` seconds for other processes to let go of the file.
    """

    def __init__(self, database: Database, folder: Path, answered: Answered, patience: float) -> None:
        super().__init__(name="state", daemon=True)
        self.turns: queue.SimpleQueue[StoreTurn | None] = queue.SimpleQueue()
        self.trouble: str | None = None
        self.is_lost = False
        self._database = database
        self._answered = answered
        self._patience = patience
        self._heard = database.change_counter()
        self._listen_at = self._upkeep_at = self._probe_at = 0.0
        self._checkpoints = CheckpointThread(folder, self._note)

    def run(self) -> None:
        """Work until told to end; then close the file."""
        self._checkpoints.start()
        while self._go_on():
            pass
        self._checkpoints.end()
        self._checkpoints.join(_CHECKPOINT_WAIT)
        try:
            self._database.close()
        except sqlite3.Error as error:
            self._note(error)

    def _go_on(self) -> bool:
        """One round; False once told to end. A fault of our own must not leave who asks waiting each time."""
        turns: list[StoreTurn] = []
        going = self._collect(turns)
        try:
            if turns:
                self._carry_out(turns)
            if going and time.monotonic() >= self._listen_at:
                self._look_after()
        except Exception as error:  # what it did to the file is unknown
            self._lose(f"a fault in the state store ({type(error).__name__}: {error})")
            self._undo()  # other workers wait for the lock
        return going

    def _collect(self, turns: list[StoreTurn]) -> bool:
        """Wait for a turn until it is time to look after the file, and take what waits behind it; False: end."""
        try:
            first = self.turns.get(timeout=max(0.0, self._listen_at - time.monotonic()))
            while first is not None:
                turns.append(first)
                if len(turns) == _TOGETHER:
                    return True
                first = self.turns.get_nowait()
        except queue.Empty:
            return True
        return False

    def _carry_out(self, turns: list[StoreTurn]) -> None:
        told = False
        if self.is_lost:
            jobs = [job for turn in turns for job in turn.jobs]
            _refuse(jobs, self.trouble or GONE)
        elif any(job.durability is not None for turn in turns for job in turn.jobs):
            turns, told = self._change(turns)
        else:
            turns = [turn for turn in turns if turn.begin()]
            self._read([job for turn in turns for job in turn.jobs])
        for turn in turns:
            turn.is_done = True
        self._answered(turns, told)

    def _change(self, turns: list[StoreTurn]) -> tuple[list[StoreTurn], bool]:
        """One transaction for all; those that were begun, and whether a watched space has changed."""
        durable = any(job.durability is Durability.POWER for turn in turns for job in turn.jobs)
        begun: list[StoreTurn] = []
        try:
            if not self._begin(turns, durable):
                return [], False
            begun = [turn for turn in turns if turn.begin()]
            for turn in begun:
                for job in turn.jobs:
                    job.carry_out(self._database)
            self._database.commit()
            if durable:
                self._look_at_place()
        except sqlite3.Error as error:
            self._note(error)
            begun = begun or [turn for turn in turns if turn.begin()]
            self._recover([job for turn in begun for job in turn.jobs])
            return begun, False
        if self.is_lost:
            _refuse([job for turn in begun for job in turn.jobs], self.trouble or GONE)
            return begun, True
        self.trouble = None
        return begun, self._database.told

    def _begin(self, turns: list[StoreTurn], durable: bool) -> bool:
        """Wait for the lock; False where all who wait have been given up. Raises sqlite3.Error."""
        until = time.monotonic() + self._patience
        while True:
            try:
                self._database.begin(durable)
                return True
            except sqlite3.Error as error:
                self._database.rollback()
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            if all(turn.is_given_up for turn in turns):
                return False

    def _recover(self, jobs: list[StoreJob]) -> None:
        """Undo the transaction, refuse what was to be changed, and read what was to be read."""
        try:
            self._database.rollback()
        except sqlite3.Error as error:
            self._note(error)
        _refuse([job for job in jobs if job.durability is not None], self.trouble or GONE)
        self._read([job for job in jobs if job.durability is None])

    def _read(self, jobs: list[StoreJob]) -> None:
        if not jobs:
            return
        try:
            self._database.begin_reading()
            for job in jobs:
                job.carry_out(self._database)
            self._database.commit()
        except sqlite3.Error as error:
            self._note(error)
            _refuse(jobs, self.trouble or GONE)
            self._database.rollback()

    def _look_after(self) -> None:
        """Upkeep that is due besides turns. Troubles are noted, and what is to be swept waits."""
        now = time.monotonic()
        self._listen_at = now + LISTEN_EVERY
        if self.is_lost:
            return
        was_lost, told = self.is_lost, False
        try:
            counter = self._database.change_counter()
            told, self._heard = counter != self._heard, counter
            if now >= self._upkeep_at:
                self._upkeep_at = now + _UPKEEP_EVERY
                self._look_at_place()
                told = self._tidy() or told
                self._checkpoints.look()
            if self.trouble is not None and not self.is_lost and now >= self._probe_at:
                self._probe_at = now + _PROBE_EVERY
                self._within_change(self._database.touch)
                self.trouble = None
        except sqlite3.Error as error:
            if not is_busy(error):  # upkeep waits: only who asks is kept from something
                self._note(error)
            self._undo()
        if told or self.is_lost != was_lost:
            self._answered((), True)

    def _tidy(self) -> bool:
        """Sweep a piece, and trim a piece of each log; whether watchers may have something to read."""
        told = False
        if self._database.has_expired():
            self._within_change(self._database.sweep)
            told = self._database.told
        for space, version in self._database.overdue().items():
            self._within_change(partial(self._database.trim, space, version))
            self._upkeep_at = 0.0  # there may be more
        return told

    def _within_change(self, change: Callable[[], object]) -> None:
        self._database.begin(durable=False)
        change()
        self._database.commit()

    def _look_at_place(self) -> None:
        try:
            is_in_place = self._database.is_in_place()
        except OSError as error:
            self._lose(f"the state file cannot be looked at ({error.strerror})")
            return
        if not is_in_place:
            self._lose(GONE)

    def _undo(self) -> None:
        try:
            self._database.rollback()
        except sqlite3.Error as error:
            self._note(error)

    def _note(self, error: sqlite3.Error) -> None:
        """Put down what is wrong; for good where nothing can be known any more of what the file holds."""
        if is_final(error):
            self._lose(words_of(error))
        elif not self.is_lost:
            if self.trouble is None:  # it is to be seen for a while before it is looked whether it has passed
                self._probe_at = time.monotonic() + _PROBE_EVERY
            self.trouble = words_of(error)

    def _lose(self, words: str) -> None:
        if not self.is_lost:
            self.trouble = f"{words}: every operation is refused until the gateway is restarted"
            self.is_lost = True


def _refuse(jobs: Sequence[StoreJob], why: str) -> None:
    for job in jobs:
        job.fail(unavailable(why))
