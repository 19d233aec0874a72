"""Whether what is exported arrives: said once when it does not, and once when it does again."""

import logging
import threading
from collections.abc import Callable
from typing import Final

Say = Callable[[str, str], None]
"""Takes a level of the log and what there is to say, on whichever thread."""

_EXPORTERS: Final = "opentelemetry.exporter."
_LONGEST: Final = 300
_MOST_KINDS: Final = 32


class Overheard(logging.Handler):
    """What the SDK logs. Each kind of message is said once; why an export fails is kept for who asks."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._said: set[str] = set()
        self._reasons: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message."""
        text = record.getMessage()[:_LONGEST]
        if record.name.startswith(_EXPORTERS):
            self._reasons.setdefault(threading.get_ident(), text)
        elif record.msg not in self._said and len(self._said) < _MOST_KINDS:
            self._said.add(record.msg)
            self._say("warning", text)

    def listen(self) -> None:
        """Hear all that the SDK logs, alone: standard error belongs to the gateway."""
        logger = logging.getLogger("opentelemetry")
        logger.handlers = [self]
        logger.propagate = False

    def forget(self) -> None:
        """Keep no reason of this thread's earlier exports."""
        self._reasons.pop(threading.get_ident(), None)

    def reason(self) -> str:
        """Why this thread's export fails: the first thing that was said of it."""
        return self._reasons.pop(threading.get_ident(), "the exporter gave no reason")


class Health:
    """Whether one signal's exports get through."""

    def __init__(self, signal: str, overheard: Overheard, say: Say) -> None:
        self._signal = signal
        self._overheard = overheard
        self._say = say
        self._failing = False

    def of(self, export: Callable[[], bool]) -> bool:
        """Export; whether that succeeded. Never raises."""
        self._overheard.forget()
        try:
            succeeded, why = export(), ""
        except Exception as error:  # whatever it is, the next one is tried
            succeeded, why = False, f"{type(error).__name__}: {error}"[:_LONGEST]
        if succeeded is self._failing:
            self._failing = not succeeded
            if succeeded:
                self._say("info", f"{self._signal} can be exported again")
            else:
                why = why or self._overheard.reason()
                self._say("error", f"{self._signal} cannot be exported, requests are served: {why}")
        return succeeded
