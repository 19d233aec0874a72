"""Opening the state: the store in its file, or in memory with the reason in words, or an error that stops the start."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from aimux.state import folder as folders
from aimux.state import schema
from aimux.state.changelog import Bounds
from aimux.state.database import Database
from aimux.state.following import STANDING
from aimux.state.memory import MemoryStore
from aimux.state.mounts import network_type_here
from aimux.state.places import HeldState, StatePlace
from aimux.state.sqlite import SqliteStore
from aimux.state.store import StateError, StateStore

T = TypeVar("T")
WATCHED: Final = frozenset({STANDING})
"""The spaces whose changes can be watched."""


@dataclass(frozen=True, slots=True)
class OpenedState:
    """The store. `only_memory` says why it is in memory alone; `made` whether the file is a new one."""

    store: StateStore
    only_memory: str | None = None
    made: bool = False


def open_state(
    path: Path,
    clock: Callable[[], float],
    *,
    watched: frozenset[str] = WATCHED,
    network: Callable[[Path], str | None] = network_type_here,
    unclaimed: str | None = None,
) -> OpenedState:
    """Open the state in the folder `path`. It blocks for as long as the file is looked at: for start-up only.

    Where no file can be made, the store is one in memory. Raises StateError where a file is there that cannot be used,
    or where others can write to it: it may say who is to be stopped. `clock` gives seconds since the epoch, `network`
    the type of the network file system that a path lies on, or None. `unclaimed` says why the folder could not be
    claimed for this gateway alone; None where it was.
    """
    found = _found(path, network, unclaimed, lambda: SqliteStore.open(path, clock, watched))
    store = MemoryStore(clock, watched, found.only_memory) if found.opened is None else found.opened
    return OpenedState(store, found.only_memory, found.made)


def hold_state(
    path: Path,
    clock: Callable[[], float],
    *,
    network: Callable[[Path], str | None] = network_type_here,
    unclaimed: str | None = None,
) -> HeldState:
    """Find out, as `open_state` does, where all processes of a gateway keep its state, and hold on to the file."""
    found = _found(path, network, unclaimed, lambda: Database(path, clock, WATCHED, Bounds()))
    return HeldState(
        StatePlace(None if found.opened is None else found.opened.files, found.only_memory), found.made, found.opened
    )


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    """What was opened, or why there is only memory; whether the file is a new one."""

    opened: T | None
    only_memory: str | None = None
    made: bool = False


def _found(
    path: Path, network: Callable[[Path], str | None], unclaimed: str | None, open_file: Callable[[], T]
) -> _Found[T]:
    file = path / folders.DATABASE
    try:
        kind = network(path)
        if kind is not None:
            return _on_network(path, kind)
        if unclaimed is not None:
            return _without(path, unclaimed)
        folders.prepare(path)
        with folders.opening(path):
            made = _make_or_check(file)
            return _Found(open_file(), None, made)
    except OSError as error:
        return _without(path, error.strerror or type(error).__name__)
    except _NotMadeError as error:
        return _without(path, str(error))
    except sqlite3.Error as error:
        raise StateError(schema.unusable(file, error)) from error


class _NotMadeError(Exception):
    """A new file could not be made."""


def _make_or_check(file: Path) -> bool:
    """Make the file where it is missing, else see that it can be used; whether it was made."""
    if not _is_there(file):
        if any(_is_there(file.with_name(name)) for name in folders.BESIDE):
            raise StateError(
                f"the state file {file} is gone, and its newest changes are still beside it: restore it from a backup, "
                "or move the folder aside to begin with nothing"
            )
        try:
            schema.make(file)
        except sqlite3.Error as error:
            raise _NotMadeError(str(error)) from error
        return True
    try:
        for each in (file, *(file.with_name(name) for name in folders.BESIDE)):
            if _is_there(each):
                folders.check_file(each)
    except OSError as error:
        raise StateError(f"the state file {file} cannot be read: {error.strerror}") from error
    schema.check(file)
    return False


def _is_there(file: Path) -> bool:
    try:
        file.lstat()
    except FileNotFoundError:
        return False
    return True


def _on_network(path: Path, kind: str) -> _Found[T]:
    if _is_there(path / folders.DATABASE):
        raise StateError(
            f"the state file {path / folders.DATABASE} lies on a network file system ({kind}), where it cannot be "
            "relied on: move the folder to a local disk, and set state.path to it"
        )
    return _without(path, f"a network file system ({kind})")


def _without(path: Path, why: str) -> _Found[T]:
    if _may_be_there(path / folders.DATABASE):
        raise StateError(
            f"the state file {path / folders.DATABASE} cannot be used ({why}): it may say who is to be stopped, so no "
            f"gateway starts without it; make the folder writable for the gateway, or set state.path to another"
        )
    words = (
        f"the state is kept in memory only, since {path} cannot hold it ({why}): what must survive a restart is "
        "refused; set state.path to a folder on a local disk that the gateway may write"
    )
    return _Found(None, words)


def _may_be_there(file: Path) -> bool:
    """Whether a file is there, or could be: a folder that cannot be looked into may hold one."""
    try:
        return _is_there(file)
    except NotADirectoryError:
        return False
    except OSError:
        return True
