"""`python -m bench.crowd`: a crowd of clients that hold connections and never finish anything, as long as it runs.

It comes in within some seconds. A connection that the server closes is replaced, at most 100 a second, so that the
crowd keeps its size. Every half second it writes a line of JSON: how many are open, how many were closed, and the
longest that one was held.
"""

import argparse
import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_HEAD: Final = b"GET /?q=what+is+50+times+3 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
_LARGE: Final = b"GET /large?q=what+is+50+times+3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# What each kind sends at once.
KINDS: Final = {"half-sent": _HEAD, "silent": b"", "one byte a second": _HEAD, "never reading": _LARGE}
_TICK: Final = 0.01
_TELLS: Final = 0.5
_JOINS_A_TICK: Final = 2
_REPLACEMENTS_A_TICK: Final = 1


class Crowd:
    """The connections, by descriptor."""

    def __init__(self, port: int, kind: str, size: int) -> None:
        self._port = port
        self._kind = kind
        self._size = size
        self._poll = select.epoll()
        self._held: dict[int, tuple[socket.socket, float]] = {}
        self._speakers: deque[socket.socket] = deque()
        self._owed = 0.0
        self._complete = False
        self._closed = 0
        self._longest = 0.0

    def run(self) -> None:
        """Hold on, until this process is ended or nobody listens any more."""
        due = told = time.monotonic()
        while True:
            due = max(due + _TICK, time.monotonic())
            self._join(self._newcomers())
            self._speak()
            while (left := due - time.monotonic()) > 0:
                for descriptor, _ in self._poll.poll(left):
                    self._hear(descriptor)
            if due > told + _TELLS:
                told = due
                state = {"open": len(self._held), "closed": self._closed, "longest": self._longest_of_all()}
                print(json.dumps(state), flush=True)  # noqa: T201  (what this program is for)

    def _newcomers(self) -> int:
        """How many connect now: more until all are there than for those that were lost since."""
        missing = self._size - len(self._held)
        if not self._complete:
            self._complete = missing == 0
            return min(missing, _JOINS_A_TICK)
        return min(missing, _REPLACEMENTS_A_TICK)

    def _join(self, count: int) -> None:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", self._port), 10)
            client.setblocking(False)
            with suppress(OSError):  # already closed again: the next poll tells
                client.send(KINDS[self._kind])
            # Without EPOLLIN a client learns of a reset, and of nothing else: it never reads.
            wanted = 0 if self._kind == "never reading" else select.EPOLLIN
            self._poll.register(client, wanted)
            self._held[client.fileno()] = (client, time.monotonic())
            self._speakers.append(client)

    def _hear(self, descriptor: int) -> None:
        client, since = self._held[descriptor]
        with suppress(OSError):
            if client.recv(65536):
                return
        self._longest = max(self._longest, time.monotonic() - since)
        self._closed += 1
        self._poll.unregister(client)
        del self._held[descriptor]
        client.close()

    def _speak(self) -> None:
        """Those whose second is over write their next byte: each keeps its own time."""
        if self._kind != "one byte a second":
            return
        self._owed += self._size * _TICK
        count, self._owed = divmod(self._owed, 1.0)
        for _ in range(min(round(count), len(self._speakers))):
            client = self._speakers.popleft()
            if client.fileno() >= 0:
                self._speakers.append(client)
                with suppress(OSError):
                    client.send(b"x")

    def _longest_of_all(self) -> float:
        now = time.monotonic()
        return max([self._longest, *(now - since for _, since in self._held.values())])


def main(arguments: Sequence[str]) -> None:
    """Run a crowd."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("size", type=int)
    options = parser.parse_args(arguments)
    Crowd(options.port, options.kind, options.size).run()


if __name__ == "__main__":
    main(sys.argv[1:])
