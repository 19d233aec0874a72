"""What an operator is told of an exception: its type, its message, the place it came from, and what caused it."""

from collections.abc import Mapping
from pathlib import PurePath
from traceback import extract_tb
from typing import Final

_LONGEST: Final = 200
_MOST_CAUSES: Final = 3
_OWN: Final = PurePath(__file__).parents[1]
"""This package's folder. Its name tells nothing: a checkout, with all libraries in it, is called the same."""


def fault_of(error: BaseException) -> str:
    """An exception in one line, as in `ValueError: no such page, at admin/page.py:31, caused by KeyError: 'x', at ...`.

    The place is the innermost line of this package, and that of a library behind it where the exception came from one.
    """
    causes: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(causes) < _MOST_CAUSES:
        seen.add(id(current))
        causes.append(_one(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return ", caused by ".join(causes)


def fault_fields(context: Mapping[str, object]) -> dict[str, object]:
    """The fields of a log line about a fault in a callback, from what an event loop says of it.

    `request_id` and `path` are there where whoever reported it gave them.
    """
    error = context.get("exception")
    if isinstance(error, BaseException):
        why = fault_of(error)
    else:
        others = {key: value for key, value in context.items() if key not in {"message", "exception"}}
        why = ", ".join(f"{key}: {value!r}"[:_LONGEST] for key, value in others.items()) or "nothing more is known"
    known = {key: context[key] for key in ("request_id", "path") if key in context}
    return {"detail": str(context.get("message")), "error": why, **known}


def _one(error: BaseException) -> str:
    message = str(error)
    shown = message if len(message) <= _LONGEST else message[:_LONGEST] + "..."
    place = _place(error)
    return type(error).__name__ + (f": {shown}" if shown else "") + (f", at {place}" if place else "")


def _place(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__)
    if not frames:
        return ""
    own = next((frame for frame in reversed(frames) if PurePath(frame.filename).is_relative_to(_OWN)), None)
    last = frames[-1]
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in (own, last) if frame is not None]
    return " in ".join(dict.fromkeys(places))


def _short(filename: str) -> str:
    """A file's path within this package, or its last two parts."""
    path = PurePath(filename)
    return str(path.relative_to(_OWN)) if path.is_relative_to(_OWN) else "/".join(path.parts[-2:])
