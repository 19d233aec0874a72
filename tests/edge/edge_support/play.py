"""Plays a case against a running gateway and checks what came of it, and that nothing else did."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e_support.client import Aborted, Client, Response, compose
from e2e_support.gateway import Gateway, Line
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import until

from edge_support.corpus import Answer, Case, Request
from edge_support.notation import to_bytes

PROBE = "/probe"
LABEL_VALUES = re.compile(r'^aimux_requests_total\{agent="([^"]*)",route="([^"]*)",verdict="([a-z_]+)"\}')
_MADE_UP = re.compile(rb"(?m)^(X-Request-ID: )[0-9a-f]{32}\r$|^(traceparent: 00-)[0-9a-f]{32}-[0-9a-f]{16}(-01)\r$")
_SENT_BY_PIECE = 1500
_MOST_MEMORY = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Arena:
    """The gateway, the upstream of its routes, and a listener that nothing may ever connect to."""

    gateway: Gateway
    upstream: Upstream
    elsewhere: Upstream
    names: frozenset[str]
    own_address: str | None = None

    @property
    def values(self) -> dict[str, str]:
        """What the corpus may ask to be filled in."""
        ports = {"gateway": self.gateway.port, "upstream": self.upstream.port, "elsewhere": self.elsewhere.port}
        return {name: str(port) for name, port in ports.items()}

    def bytes_of(self, text: str) -> bytes:
        """The bytes that a text of the corpus stands for."""
        return to_bytes(text, self.values)


def answer_with_target(peer: Peer, request: Received) -> None:
    """Answer with the target that was asked for, so that answers cannot be taken for one another."""
    method, target, _ = request.line.split(b" ")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(target)
    peer.send(head if method == b"HEAD" else head + target)


def play(arena: Arena, case: Case, *, by_piece: bool = False) -> None:
    """Play one case. With `by_piece` its bytes are sent one by one."""
    seen = len(arena.gateway.lines)
    host = "127.0.0.1" if not case.outside else arena.own_address or ""
    with Client(arena.gateway.port, host) as client:
        send(arena, client, case, by_piece=by_piece)
        answers = read_answers(client, case.answers, case)
        check_answers(arena, case, answers)
        if case.then == "closed":
            _check_closed(client, case, answers)
        else:
            probe(client, case)
    with Client(arena.gateway.port) as fresh:
        last = probe(fresh, case)
    probes = [PROBE] * (1 + (case.then == "kept"))
    check_upstream(arena, case, probes)
    line = arena.gateway.request_line(last.header("X-Request-ID"))
    check_log(arena, case, answers, arena.gateway.lines[seen : arena.gateway.lines.index(line) + 1], len(probes))


# Sending.


def send(arena: Arena, client: Client, case: Case, *, by_piece: bool = False) -> None:
    """Send a case's bytes."""
    pieces = [arena.bytes_of(text) for text in case.sends]
    if by_piece:
        whole = b"".join(pieces)
        pieces = [whole[at : at + 1] for at in range(len(whole))]
    try:
        for number, piece in enumerate(pieces):
            if number and not by_piece:
                wait_read(client)
            client.send(piece)
    except ConnectionError:
        return  # refused before everything was sent, as it may be


def wait_read(client: Client) -> None:
    """Wait until the gateway has read all that was sent, or has nothing more to read it for."""
    own, port = client.socket.getsockname()[1], client.socket.getpeername()[1]
    pattern = re.compile(rf" \S+:{port:04X} \S+:{own:04X} 01 \S+:([0-9A-F]+) ")

    def read() -> bool:
        found = pattern.search(Path("/proc/net/tcp").read_text())
        return found is None or int(found.group(1), 16) == 0 or not client.quiet()

    until(read, "the gateway to read")


def comes_out_the_same_by_piece(case: Case) -> bool:
    """Whether the case's bytes are few enough to be sent one by one, and its outcome is the same then."""
    if case.whole_only or case.outside:
        return False
    ports = dict.fromkeys(("gateway", "upstream", "elsewhere"), "65535")
    return sum(len(to_bytes(text, ports)) for text in case.sends) <= _SENT_BY_PIECE


# What the client gets.


def read_answers(client: Client, expected: Sequence[Answer], case: Case) -> list[Response]:
    """Read the final answers that are expected."""
    answers: list[Response] = []
    for answer in expected:
        if answer.status >= 200:
            try:
                answers.append(client.read_response(answer.method))
            except Aborted as end:
                raise AssertionError(f"{case.id}: instead of {answer} the connection ended: {end}") from end
    return answers


def check_answers(arena: Arena, case: Case, answers: list[Response]) -> None:
    """Check that the answers are the expected ones."""
    got = [_interim(head) for response in answers for head in response.interim]
    wanted = [answer.status for answer in case.answers if answer.status < 200]
    assert got == wanted, f"interim answers {got}"
    finals = [answer for answer in case.answers if answer.status >= 200]
    for response, answer in zip(answers, finals, strict=True):
        assert response.status == answer.status, f"{response.status} {response.body[:300]!r} instead of {answer}"
        if answer.refuses:
            check_refusal(response, answer.text)
        elif answer.text is not None:
            assert response.body == arena.bytes_of(answer.text), response.body
    everything = b"".join(response.head + response.body for response in answers)
    for piece in case.answer_has:
        assert arena.bytes_of(piece) in everything, f"{piece!r} is missing in {everything!r}"
    for piece in case.answer_lacks:
        assert arena.bytes_of(piece).lower() not in everything.lower(), f"{piece!r} stands in {everything!r}"


def _interim(head: bytes) -> int:
    return int(head.split(b" ")[1])


def check_refusal(response: Response, code: str | None) -> None:
    """Check that a response is a refusal of the gateway's own, with nothing of the caller in it."""
    assert response.header("Content-Type") == b"application/json"
    assert re.fullmatch(rb"[ -~]+\n", response.body), response.body
    error = json.loads(response.body)["error"]
    assert set(error) == {"code", "type", "status", "message", "request_id"}
    assert (error["status"], error["request_id"].encode()) == (response.status, response.header("X-Request-ID"))
    assert response.header("request-id") == response.header("X-Request-ID")
    assert error["message"].endswith(f" [{error['code']}]")
    assert response.header("x-should-retry") in {None, b"false"}
    assert response.header("x-should-retry") or response.status in {408, 502, 503, 504}
    assert code is None or error["code"] == code, error
    assert error["code"] != "internal"
    assert b"evil" not in response.head + response.body, "a refusal repeats what the caller sent"


def _check_closed(client: Client, case: Case, answers: list[Response]) -> None:
    if case.cut is None:
        assert client.closed(), "the connection is open still, or more came than the expected answers"
    if answers and case.cut is None:
        assert answers[-1].header("Connection") == b"close"


def probe(client: Client, case: Case) -> Response:
    """Check that a further request is answered, with its own answer."""
    client.send(compose("GET", PROBE, {"X-AIMux-Route": "plain"}))
    try:
        response = client.read_response()
    except Aborted as end:
        raise AssertionError(f"{case.id}: the next request was not answered: {end}") from end
    assert (response.status, response.body) == (200, PROBE.encode()), response
    return response


# What the upstream gets.


def check_upstream(arena: Arena, case: Case, probes: list[str]) -> None:
    """Check that the expected requests have reached the upstream, the probes behind them, and nothing else."""
    requests = list(arena.upstream.requests)
    lines = [request.line.decode("latin-1") for request in requests]
    assert len(requests) == len(case.upstream) + len(probes), lines
    assert lines[len(case.upstream) :] == [f"GET {probe} HTTP/1.1" for probe in probes], lines
    for request, expected in zip(requests, case.upstream, strict=False):
        check_request(arena, request, expected)
    if not case.replies:
        whole = sum(len(request.head) + len(request.raw_body) for request in requests)
        recorded = b"".join(peer.recorded for peer in arena.upstream.peers)
        assert case.upstream or case.whole_only or len(recorded) >= whole
        if arena.upstream.wait_requests() and all(peer.open for peer in arena.upstream.peers):
            assert len(recorded) == whole, f"bytes outside of any request reached the upstream: {recorded!r}"
    assert not arena.elsewhere.peers, "the gateway connected to where nobody sent it"


def check_request(arena: Arena, request: Received, expected: Request) -> None:
    """Check a request that the upstream has received."""
    head = request.head
    if expected.line:
        line = f"{expected.line} HTTP/1.1" if not expected.line.endswith("HTTP/1.1") else expected.line
        assert request.line == arena.bytes_of(line), request.line
    for text in expected.has:
        assert head.count(b"\r\n" + arena.bytes_of(text) + b"\r\n") == 1, f"{text!r} stands not once in {head!r}"
    for text in expected.lacks:
        assert arena.bytes_of(text).lower() not in (head + request.raw_body).lower(), f"{text!r} stands in {head!r}"
    if expected.body is not None:
        assert request.body == arena.bytes_of(expected.body), request.body
    if expected.whole is not None:
        seen = _MADE_UP.sub(lambda m: (m[1] or m[2]) + b"*" + (m[3] or b"") + b"\r", head + request.raw_body)
        assert seen == arena.bytes_of(expected.whole)


# What is written about it.


def check_log(arena: Arena, case: Case, answers: list[Response], lines: list[Line], probes: int) -> None:
    """Check that each answer has its line, and that there are no others."""
    by_id = {line["request_id"]: line for line in lines if line["event"] == "request"}
    finals = [answer for answer in case.answers if answer.status >= 200]
    for response, answer in zip(answers, finals, strict=True):
        request_id = (response.header("X-Request-ID") or b"").decode()
        if request_id in by_id:
            assert not answer.refuses or by_id[request_id]["verdict"] == (answer.text or by_id[request_id]["verdict"])
            assert by_id[request_id]["status"] == response.status
            assert by_id[request_id]["agent"] in arena.names | {None}
            assert by_id[request_id]["route"] in arena.names | {None}
    told = sum(line["event"] in {"request", "management"} for line in lines) - probes
    silent = sum(response.status == 200 and response.header("X-Request-ID") is None for response in answers)
    assert told == len(answers) - silent + (case.cut is not None or not case.reads), lines
    assert not [line for line in lines if line.get("verdict") == "internal"], lines


def check_wellbeing(gateway: Gateway, names: frozenset[str]) -> None:
    """Check that the process lives, that its log is well-formed and that no caller made a metric."""
    assert gateway.alive, gateway.stderr
    assert gateway.stderr == ""
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{gateway.pid}/status").read_text(), re.MULTILINE)
    assert peak
    assert int(peak[1]) * 1024 < _MOST_MEMORY, "bombs and endless bodies take a bounded amount of memory"
    for raw in gateway.raw_lines:
        assert raw[:-1].isascii(), raw
        assert raw[:-1].isprintable(), raw
        assert raw.endswith("\n"), raw
        assert "Traceback" not in raw
        assert len(raw) < 2000
    found = [
        LABEL_VALUES.match(line) for line in gateway.metrics().splitlines() if line.startswith("aimux_requests_total{")
    ]
    assert found
    assert all(match and {match[1], match[2]} <= names | {"(anonymous)", "(unidentified)", "(none)"} for match in found)
