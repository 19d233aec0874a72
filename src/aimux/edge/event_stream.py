"""An event stream (`text/event-stream`) on its way to a client: whether it stands between two events.

Only there may the gateway end it without cutting an event, or send a comment, which clients pass over.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from aimux.wire.http1 import Head

KEEPALIVE: Final = b": keepalive\n\n"
_BOM: Final = b"\xef\xbb\xbf"
_EVENTS: Final = re.compile(rb"[^:]*:[ \t]*text/event-stream[ \t]*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_LINE_ENDS: Final = (b"\n", b"\r")
# Google's SDKs take every line of a stream for JSON.
_NO_COMMENTS: Final = b":streamGenerateContent"


class EventStream:
    """One event stream. `may_end` says whether the gateway may end it, `comments` whether it may send any."""

    __slots__ = ("_begins_late", "_tail", "comments", "may_end")

    def __init__(self, *, may_end: bool, comments: bool) -> None:
        self.may_end = may_end
        self.comments = comments
        self._tail = b"\n\n"  # nothing has been sent yet: no event is open
        self._begins_late = False

    @property
    def between_events(self) -> bool:
        """Whether the last line so far is an empty one. It ends with LF, CR or CRLF, and so does the one before."""
        tail = self._tail
        before = tail[:-2] if tail.endswith(b"\r\n") else tail[:-1]
        return tail.endswith(_LINE_ENDS) and before.endswith(_LINE_ENDS)

    def passed(self, data: bytes) -> bytes:
        """Note a piece of the stream that goes to the client, and return what of it does."""
        if self._begins_late:
            # A byte order mark is one only at the beginning, where the comment stands now.
            self._begins_late = False
            data = data.removeprefix(_BOM)
        self._tail = data[-3:] if len(data) >= 3 else (self._tail + data)[-3:]
        return data

    def comment(self) -> bytes:
        """The comment that is sent now, between two events."""
        if self._tail == b"\n\n":
            self._begins_late = True
        return KEEPALIVE


def event_stream(asked: Head, lines: Sequence[tuple[bytes, bytes]], *, comments: bool) -> EventStream | None:
    """The event stream that a response without a length is, by the request and the response's header lines; or None.

    Each line comes with its name in lower case. Encoded streams are none here: where an event ends is not seen in them.
    """
    kinds = [line for name, line in lines if name == b"content-type"]
    if len(kinds) != 1 or not _EVENTS.fullmatch(kinds[0]):
        return None
    if any(name == b"content-encoding" for name, _ in lines):
        return None
    may_end = asked.method == "GET"
    return EventStream(may_end=may_end, comments=comments and _NO_COMMENTS not in unquote_to_bytes(asked.path))
