"""`python -m bench.crowd`: a crowd of clients that hold connections and never finish anything, as long as it runs.

A connection that the server closes is replaced at once, so that the crowd keeps its size. Every half second it writes a
line of JSON: how many are open, how many were closed, and the longest that one was held.
"""

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_HEAD: Final = b"GET /?q=what+is+50+times+3 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
_LARGE: Final = b"GET /large?q=what+is+50+times+3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# What each kind sends at once.
KINDS: Final = {"half-sent": _HEAD, "silent": b"", "one byte a second": _HEAD, "never reading": _LARGE}
_TICK: Final = 0.5
_BURST: Final = 50


class Crowd:
    """The connections, by descriptor."""

    def __init__(self, port: int, kind: str, size: int) -> None:
        self._port = port
        self._kind = kind
        self._size = size
        self._poll = select.epoll()
        self._held: dict[int, tuple[socket.socket, float]] = {}
        self._spoken = time.monotonic()
        self._closed = 0
        self._longest = 0.0

    def run(self) -> None:
        """Hold on, until this process is ended or nobody listens any more."""
        while True:
            started = time.monotonic()
            while len(self._held) < self._size and time.monotonic() < started + _TICK:
                self._join()
            until = started + _TICK
            while (left := until - time.monotonic()) > 0:
                for descriptor, _ in self._poll.poll(left):
                    self._hear(descriptor)
            self._speak()
            state = {"open": len(self._held), "closed": self._closed, "longest": self._longest_of_all()}
            print(json.dumps(state), flush=True)  # noqa: T201  (what this program is for)

    def _join(self) -> None:
        for _ in range(min(_BURST, self._size - len(self._held))):
            client = socket.create_connection(("127.0.0.1", self._port), 10)
            client.setblocking(False)
            with suppress(OSError):  # already closed again: the next poll tells
                client.send(KINDS[self._kind])
            # Without EPOLLIN a client learns of a reset, and of nothing else: it never reads.
            wanted = 0 if self._kind == "never reading" else select.EPOLLIN
            self._poll.register(client, wanted)
            self._held[client.fileno()] = (client, time.monotonic())

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
        if self._kind != "one byte a second" or time.monotonic() < self._spoken + 1:
            return
        self._spoken = time.monotonic()
        for client, _ in self._held.values():
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
