"""Plays clients that take their time: each is cut off at its deadline, while others are served."""

import select
import time

from e2e_support.client import Client, Response
from e2e_support.upstream import Peer, Received
from e2e_support.waiting import DEADLINE, until

from edge_support.corpus import Case
from edge_support.play import Arena, check_answers, check_log, check_request, probe, read_answers, send
from edge_support.reply import Script, check_cut, is_probe

_PAUSE = 0.02
_RECEIVE_BUFFER = 4096


def play_slow(arena: Arena, case: Case) -> None:
    """Play one case; a good client is served in the middle of it, and another one behind it."""
    seen = len(arena.gateway.lines)
    script = Script(arena, case)
    arena.upstream.on_connect = script.converse
    with Client(arena.gateway.port, receive_buffer=None if case.reads else _RECEIVE_BUFFER) as client:
        send(arena, client, case)
        with Client(arena.gateway.port) as good:
            probe(good, case)
        if case.drips:
            drip(client, arena.bytes_of(case.drips))
        answers = _see_the_end(arena, case, client, script)
    with Client(arena.gateway.port) as fresh:
        last = probe(fresh, case)
    _check_upstream(arena, case, script)
    line = arena.gateway.request_line(last.header("X-Request-ID"))
    check_log(arena, case, answers, arena.gateway.lines[seen : arena.gateway.lines.index(line) + 1], 2)


def drip(client: Client, drop: bytes, *, heedless: bool = False) -> None:
    """Send a few bytes again and again, slowly, until the gateway says something; a heedless client until it closes."""
    end = time.monotonic() + DEADLINE
    while not select.select([] if heedless else [client.socket], [], [], _PAUSE)[0]:
        assert time.monotonic() < end, "the gateway listens for ever"
        try:
            client.send(drop)
        except ConnectionError:
            return


def _see_the_end(arena: Arena, case: Case, client: Client, script: Script) -> list[Response]:
    if not case.reads:
        until(lambda: any(not is_probe(request) for request in arena.upstream.requests), "the request")
        asked = next(request for request in arena.upstream.requests if not is_probe(request))
        until(lambda: asked.peer in script.ended, "the gateway to give the client up")
        _check_given_up(arena, client)
        return []
    answers = read_answers(client, case.answers, case)
    check_answers(arena, case, answers)
    if case.cut is not None:
        check_cut(arena, case, client)
        return answers
    assert client.closed(), "more came than the expected answers"
    if answers and answers[-1].status in {400, 408}:
        assert answers[-1].header("Connection") == b"close"
    return answers


def _check_given_up(arena: Arena, client: Client) -> None:
    head = client.read_head()
    rest, reset = client.ending()
    assert reset
    assert len(rest) < int(head.header("Content-Length") or 0), "the response is complete"
    line = arena.gateway.request_line(head.header("X-Request-ID"))
    assert (line["status"], line["ended"]) == (200, "client_left"), line


def _check_upstream(arena: Arena, case: Case, script: Script) -> None:
    """Check that the expected requests reached the upstream, half a request where one is expected, and nothing else."""
    requests = list(arena.upstream.requests)
    asked = [request for request in requests if not is_probe(request)]
    assert len(requests) - len(asked) == 2, requests
    for request, expected in zip(asked, case.upstream, strict=True):
        check_request(arena, request, expected)
    halves = []
    for peer in arena.upstream.peers:
        read = [request for request in requests if request.peer is peer]
        whole = b"".join(request.head + request.raw_body for request in read)
        assert peer.recorded.startswith(whole)
        if rest := bytes(peer.recorded[len(whole) :]):
            halves.append(_half(peer, read[-1].head + rest if case.early else rest))
    assert len(halves) == (case.half is not None), f"pieces of requests reached the upstream: {halves}"
    for half in halves:
        until(lambda half=half: half.peer in script.ended, "the connection of half a request to be closed")
        if case.half is not None:
            check_request(arena, half, case.half)
    assert not arena.elsewhere.peers, "the gateway connected to where nobody sent it"


def _half(peer: Peer, data: bytes) -> Received:
    head, end, body = data.partition(b"\r\n\r\n")
    return Received(peer, head + end, body, body)
