"""Costly requests: they are what they say, their cost is judged by the bounds, and a run measures it."""

import os
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure
from aimux.core.request import SILENT, Reading
from aimux.wire.chunked import ChunkedDecoder
from aimux.wire.dialects import body_kind, named_route, read_body, read_head
from aimux.wire.http1 import CHUNKED, HeadLimits, find_head, parse_head
from bench import costly, spending
from bench.costly import KINDS, MOST_BODY, Kind
from bench.costs import Attacker
from bench.machine import Machine
from bench.spending import Cost, Report, markdown, table

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
SOURCES = IdentitySources()
LIMITS = HeadLimits()
# The reader takes no text with more characters, whatever its tokens.
LONGEST_TEXT = 16 * 8192
# Reading two million chunks takes seconds; that they are well-formed is seen in fewer of them.
TOO_MANY = "10 MiB in 5-byte chunks"
READABLE = [kind for kind in KINDS if kind.answers == 1 and kind.title != TOO_MANY]

needs_two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a second core")


def understood(request: bytes) -> tuple[Reading, Reading, str | None]:
    """What the gateway's own parser makes of a request: head, body, the route that is named. Raises Failure."""
    size = find_head(request, LIMITS)
    assert size
    head = parse_head(request[:size], LIMITS)
    raw = request[size:]
    if head.length == CHUNKED:
        decoder = ChunkedDecoder()
        pieces, rest = decoder.feed(raw)
        assert decoder.done
        assert not rest
        raw = b"".join(pieces)
    else:
        assert len(raw) == head.length
    body = SILENT
    if raw:
        body = read_body(raw, body_kind(head), head.values(b"content-encoding"), SOURCES, MOST_BODY)
    return read_head(head, SOURCES), body, named_route(head)


def understood_or_refused(request: bytes) -> tuple[int | None, Reading, Reading, str | None]:
    """The same, and the status where reading alone refuses it."""
    try:
        head, body, route = understood(request)
    except Failure as failure:
        return failure.reason.status, SILENT, SILENT, None
    flaw = head.flaw or body.flaw
    return None if flaw is None else flaw.reason.status, head, body, route


@pytest.mark.parametrize("kind", READABLE, ids=lambda kind: kind.title)
def test_a_kind_is_read_to_the_outcome_that_it_claims(kind: Kind) -> None:
    refused, head, body, route = understood_or_refused(b"".join(kind.build(1)))
    text = head.text or body.text
    if refused is not None:
        assert refused == kind.status
    elif text is not None and len(text) > LONGEST_TEXT:
        assert kind.status == 413
    elif text is not None:
        assert kind.status in {200, 413}
        assert kind.models == (kind.status == 200) or "form" in kind.title
    elif head.claims and route is None:
        assert kind.status == 401
    else:
        # Without a text only a route that is named keeps the request from being refused as one without a text.
        assert (kind.status == 400) == (route is None or "nested" in kind.title)


def test_titles_tell_kinds_apart() -> None:
    assert len({kind.title for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.models and kind.status == 200], ids=lambda k: k.title)
def test_no_text_for_the_model_comes_twice(kind: Kind) -> None:
    texts = []
    for number in range(1, 4):
        head, body, _ = understood(b"".join(kind.build(number)))
        texts.append(head.text or body.text)
    assert None not in texts
    assert len(set(texts)) == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_what_is_said_to_decode_to_more_is_sent_as_less(kind: Kind) -> None:
    assert kind.decoded in {0, MOST_BODY}
    assert not kind.decoded or sum(map(len, kind.build(1))) < MOST_BODY / 50


def test_pipelined_requests_are_as_many_as_their_answers() -> None:
    (kind,) = (kind for kind in KINDS if kind.answers > 1)
    assert b"".join(kind.build(1)).count(b"\r\n\r\n") == kind.answers


def test_bodies_fill_the_limit() -> None:
    bodies = [costly.one_string(), costly.bracketed_string(), costly.strings_in_a_row(), costly.half_way_numbers()]
    bodies += [costly.mixed_form(), costly.plain_text(), costly.empty_blocks(), costly.widened_string()]
    assert all(MOST_BODY - 1000 < len(body) <= MOST_BODY for body in bodies)


def test_heads_fill_their_limits() -> None:
    assert 0.95 * costly.MOST_HEADERS < len(costly.many_headers()) <= costly.MOST_HEADERS
    assert parse_head(costly.many_headers(), LIMITS).lines[-1][0] == b"x-header-98"
    connection = parse_head(costly.with_header("Connection", "a", ",a", "no"), LIMITS).first[b"connection"]
    assert connection.count(b",") > 16_000


def test_a_head_byte_by_byte_has_one_byte_in_each_piece() -> None:
    pieces = costly.byte_by_byte(b"GET /")
    assert pieces == [b"G", b"E", b"T", b" ", b"/"]


def test_a_half_way_number_is_in_the_middle_between_two_floats() -> None:
    written = costly.half_way_number().decode()
    with localcontext() as context:
        context.prec = 2000
        exact = Fraction(Decimal(written))
    near = float(written)
    above, below = (Fraction(near + step * 5e-324) for step in (1, -1))
    assert exact in {(Fraction(near) + above) / 2, (Fraction(near) + below) / 2}
    assert len(written) > 700


def test_blocks_without_content_are_well_formed_and_decode_to_nothing() -> None:
    decoder = zlib.decompressobj()
    assert decoder.decompress(costly.empty_blocks(10_000)) == b""
    assert not decoder.unconsumed_tail
    with pytest.raises(zlib.error):
        zlib.decompressobj().decompress(costly.empty_blocks(10_000)[:-1] + b"\xff" * 100)


@pytest.mark.parametrize(("size", "extension"), [(1, b""), (5, b""), (7, b";a=b")])
def test_chunks_are_decoded_to_what_went_into_them(size: int, extension: bytes) -> None:
    body = bytes(range(256)) * 10
    decoder = ChunkedDecoder()
    pieces, rest = decoder.feed(costly.in_chunks(body, size, extension))
    assert (b"".join(pieces), rest, decoder.done) == (body, b"", True)
    assert all(len(before) == size for before, _ in pairwise(pieces))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_coded_body_is_decoded_to_what_it_was(coding: str) -> None:
    request = costly.posted(costly.coded(b"a text", coding), "text/plain", coding)
    assert understood(request)[1].text == "a text"


# The judge.


def cost(
    *,
    size: int = 1000,
    decoded: int = 0,
    segments: int = 1,
    cpu: float = 0.001,
    memory: int = 0,
    stall: float = 0.001,
    models: bool = False,
) -> Cost:
    return Cost("a kind", size, decoded, segments, cpu, memory, stall, models)


@pytest.mark.parametrize(
    "good",
    [
        cost(),
        cost(size=0),
        cost(cpu=1.9 * spending.FREE_CPU),
        cost(size=MOST_BODY, cpu=1.9 * spending.MOST_CPU),
        cost(decoded=MOST_BODY, cpu=1.9 * spending.MOST_CPU),
        cost(segments=10_001, cpu=1.9 * (spending.FREE_CPU + 10_000 * spending.CPU_A_SEGMENT)),
        cost(stall=1.9 * spending.MOST_STALL),
        cost(memory=spending.FREE_MEMORY),
        cost(decoded=MOST_BODY, memory=10 * MOST_BODY),
        cost(cpu=100.0, models=True),
    ],
)
def test_what_is_within_the_bounds_is_no_complaint(good: Cost) -> None:
    assert Report(MACHINE, [good]).complaints() == []
    assert "OVER" not in markdown(Report(MACHINE, [good]), "2030-01-01").splitlines()[-1]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (cost(cpu=2.2 * spending.FREE_CPU), "110 ms of CPU for 1,000 bytes, and 51 are allowed"),
        (cost(segments=10_001, cpu=1.0), "1000 ms of CPU for 1,000 bytes, and 351 are allowed"),
        (cost(size=MOST_BODY, cpu=2.1 * spending.MOST_CPU), "1575 ms of CPU"),
        (cost(decoded=MOST_BODY, cpu=2.1 * spending.MOST_CPU), "for 10,485,760 bytes, and 750 are allowed"),
        (cost(stall=2.1 * spending.MOST_STALL), "held up for 210 ms, and 100 are allowed"),
        (cost(stall=2.1 * spending.MOST_STALL, models=True), "held up for 210 ms, and 100 are allowed"),
        (cost(memory=33 * 2**20), "33 MiB for 1,000 bytes, and 32 are allowed"),
        (cost(decoded=MOST_BODY, memory=14 * MOST_BODY), "and 132 are allowed"),
    ],
)
def test_what_is_beyond_a_bound_is_complained_of(bad: Cost, said: str) -> None:
    (complaint,) = Report(MACHINE, [bad]).complaints()
    assert complaint.startswith("a kind: ")
    assert said in complaint
    assert markdown(Report(MACHINE, [bad]), "2030-01-01").endswith("| OVER |")


MACHINE = Machine("a processor", 2, siblings=False, system="Linux", python="3.11", load_before=0.0)


def test_the_tables_show_the_figures() -> None:
    shown = cost(size=100, decoded=2000, cpu=0.0123, memory=2**20, stall=0.0042)
    row = "| a kind | 100 → 2,000 | 12.30 ms | 123.000 µs | 1.0 MiB | 10,485.8 | 4.2 ms |  |"
    assert markdown(Report(MACHINE, [shown]), "2030-01-01").splitlines()[-1] == row
    assert table(Report(MACHINE, [shown])).row_count == 1
    assert "| model |" in markdown(Report(MACHINE, [cost(models=True)]), "2030-01-01")


# The attacker.


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which a test answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        listening.settimeout(DEADLINE)
        yield listening


def answer(status: int, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n%b\r\nok" % (status, more)


def test_the_attacker_reads_all_answers_and_connects_again_where_it_was_told_to(listener: socket.socket) -> None:
    heard: list[bytes] = []

    def serve() -> None:
        for answers in (answer(400) + answer(400, b"Connection: close\r\n"), answer(200)):
            with listener.accept()[0] as connection:
                heard.append(connection.recv(100))
                for at in range(0, len(answers), 7):
                    connection.sendall(answers[at : at + 7])

    server = threading.Thread(target=serve)
    server.start()
    with Attacker(listener.getsockname()[1]) as attacker:
        assert attacker.send([b"first"], 2) == 400
        assert attacker.send([b"second"], 1) == 200
    server.join(DEADLINE)
    assert heard == [b"first", b"second"]


def test_the_attacker_leaves_at_once_where_it_awaits_no_answer(listener: socket.socket) -> None:
    with Attacker(listener.getsockname()[1]) as attacker:
        assert attacker.send([], 0) == 0
        with listener.accept()[0] as connection:
            assert connection.recv(1) == b""


# A run.


@pytest.mark.needs("nginx", "wrk")
@needs_two_cores
def test_a_tiny_run_measures_a_kind_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.costs", "--only", "bare refused", "--cpu", "0.05"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode in {0, 1}, done.stderr
    (row,) = (line for line in done.stdout.splitlines() if "│ bare refused GET" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[1] == "27"
    assert float(cells[2].removesuffix(" ms")) > 0
    assert not list(tmp_path.iterdir())


def test_a_kind_that_does_not_exist_is_no_success() -> None:
    command = [sys.executable, "-m", "bench.costs", "--only", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "nonsense" in done.stderr
