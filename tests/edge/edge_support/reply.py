"""Plays what an upstream answers: its script, what the client gets of it, and what becomes of both connections."""

import fcntl
import re
import socket
import sys
import termios
import threading

from e2e_support.client import Client, ask
from e2e_support.upstream import Peer, Received
from e2e_support.waiting import DEADLINE, until

from edge_support.corpus import Case
from edge_support.notation import to_bytes
from edge_support.play import (
    PROBE,
    Arena,
    answer_with_target,
    check_answers,
    check_log,
    check_upstream,
    probe,
    read_answers,
    send,
)

HARMLESS = (PROBE.encode(), b"/good")
# It stands in two headers, of which a case names one.
_REQUEST_ID = re.compile(rb"(?m)^(X-Request-ID: )([0-9a-f]{32})\r\nrequest-id: \2\r$")
_SENT_BY_PIECE = 1500


class Script:
    """What the upstream does: answers harmless requests with their target, any other one with the case's replies.

    `told` is set once it has said everything, or the gateway has cut it short. `ended` are connections that are over.
    """

    def __init__(self, arena: Arena, case: Case, *, by_piece: bool = False) -> None:
        self._upstream = arena.upstream
        self._port = arena.gateway.port
        self._case = case
        self._writes = [arena.bytes_of(text) for text in case.replies]
        self._hostile = bool(case.replies) or case.ends != "waits"
        self._by_piece = by_piece
        self.told = threading.Event()
        self.ended: list[Peer] = []

    def converse(self, peer: Peer) -> None:
        """Serve one connection."""
        try:
            self._serve(peer)
        finally:
            self.ended.append(peer)

    def _serve(self, peer: Peer) -> None:
        while peer.socket.fileno() >= 0:
            request = peer.read_head() if self._case.early else peer.read_request()
            self._upstream.requests.append(request)
            if harmless(request) or not self._hostile:
                answer_with_target(peer, request)
            else:
                self._tell(peer)

    def _tell(self, peer: Peer) -> None:
        try:
            for number, data in enumerate(self._writes):
                if number:
                    self._wait_read(peer)
                for piece in [data[at : at + 1] for at in range(len(data))] if self._by_piece else [data]:
                    peer.send(piece)
            if self._case.ends != "waits":
                self._wait_read(peer)
                (peer.close if self._case.ends == "closes" else peer.reset)()
            elif self._case.early:
                peer.wait_closed()
        finally:
            self.told.set()

    def _wait_read(self, peer: Peer) -> None:
        """Wait until the gateway has read what was sent: once that is delivered, and it has answered something else."""
        until(lambda: _undelivered(peer.socket) == 0 or not peer.open, "the gateway to be sent everything")
        ask(self._port, target="/healthz")


def _undelivered(sender: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(sender, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def harmless(request: Received) -> bool:
    """Whether a request is answered as usual."""
    return request.line.split(b" ")[1] in HARMLESS


def is_probe(request: Received) -> bool:
    """Whether a request is the player's own."""
    return request.line.split(b" ")[1] == PROBE.encode()


def replies_come_out_the_same_by_piece(case: Case) -> bool:
    """Whether the replies are few enough bytes to be sent one by one, and the outcome is the same then."""
    ports = dict.fromkeys(("gateway", "upstream", "elsewhere"), "65535")
    size = sum(len(to_bytes(text, ports)) for text in case.replies)
    return not case.whole_only and 0 < size <= _SENT_BY_PIECE


def play_response(arena: Arena, case: Case, *, by_piece: bool = False) -> None:
    """Play one case. With `by_piece` the upstream's bytes are sent one by one."""
    seen = len(arena.gateway.lines)
    script = Script(arena, case, by_piece=by_piece)
    arena.upstream.on_connect = script.converse
    with Client(arena.gateway.port) as client:
        send(arena, client, case)
        answers = read_answers(client, case.answers, case)
        check_answers(arena, case, answers)
        if case.head is not None:
            assert _REQUEST_ID.sub(rb"\1*\r", answers[-1].head) == arena.bytes_of(case.head), answers[-1].head
        if case.interim is not None:
            assert b"".join(answers[-1].interim) == arena.bytes_of(case.interim), answers[-1].interim
        if case.cut is not None:
            check_cut(arena, case, client)
        assert script.told.wait(DEADLINE), "the upstream was not asked, or could not say everything"
        hostile = [request.peer for request in arena.upstream.requests if not harmless(request)]
        if case.pool == "dropped":
            until(lambda: set(hostile) <= set(script.ended), "the upstream's connection to be closed")
        if case.then == "kept":
            probe(client, case)
        elif case.cut is None:
            assert client.closed(), "the connection is open still, or more came than the expected answers"
    with Client(arena.gateway.port) as fresh:
        last = probe(fresh, case)
    again = {request.peer for request in arena.upstream.requests if is_probe(request)}
    assert case.pool != "kept" or again == set(hostile), "another connection was used"
    assert case.pool == "kept" or not again & set(hostile), "the wrong connection was used"
    probes = [PROBE] * (1 + (case.then == "kept"))
    check_upstream(arena, case, probes)
    _check_recorded(arena, case)
    line = arena.gateway.request_line(last.header("X-Request-ID"))
    check_log(arena, case, answers, arena.gateway.lines[seen : arena.gateway.lines.index(line) + 1], len(probes))


def check_cut(arena: Arena, case: Case, client: Client) -> None:
    """Check that a response breaks off behind the expected body, and can be seen to."""
    head = client.read_head()
    assert head.status == 200
    raw, reset = client.ending()
    length = head.header("Content-Length")
    if head.header("Transfer-Encoding") is not None:
        body = _unchunked(raw)
    else:
        assert reset or (length is not None and len(raw) < int(length)), "the response looks complete"
        body = raw
    assert body == arena.bytes_of(case.cut or ""), raw
    line = arena.gateway.request_line(head.header("X-Request-ID"))
    assert (line["status"], line["ended"]) == (200, "truncated"), line


def _unchunked(raw: bytes) -> bytes:
    """The payload of whole chunks; the last one must be missing."""
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        assert int(size, 16), "the response looks complete"
        body += raw[: int(size, 16)]
        raw = raw[int(size, 16) + 2 :]
    return body


def _check_recorded(arena: Arena, case: Case) -> None:
    for peer in arena.upstream.peers:
        whole = b"".join(r.head + r.raw_body for r in arena.upstream.requests if r.peer is peer)
        recorded = peer.recorded[: len(whole)] if case.early else peer.recorded
        assert recorded == whole, f"bytes outside of any request reached the upstream: {peer.recorded!r}"
