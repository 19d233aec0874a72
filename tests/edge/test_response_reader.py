"""A response's bytes, without a connection: what goes to the client, when it is complete, what may follow."""

from dataclasses import dataclass, field

import pytest

from aimux.core.headers import Trace
from aimux.core.reason import Failure
from aimux.edge.exchange import Exchange
from aimux.edge.response import ResponseReader
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head
from aimux.wire.response import ResponseHeadLimits

SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\nhi"


@dataclass
class Client:
    """The client's connection: each write to it. It stands for the upstream's as well, which is never asked to wait."""

    sent: list[bytes] = field(default_factory=list)
    kept: bool | None = None
    clogged: bool = False

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def ended(self, *, keep: bool) -> None:
        self.kept = keep

    def hold(self) -> None:
        raise AssertionError

    release = cut = pause = resume = hold


class Read:
    """A reader with an exchange that began, and the exchange's client."""

    def __init__(self, method: bytes = b"GET", limits: ResponseHeadLimits | None = None) -> None:
        self.client = Client()
        self.reader = ResponseReader(limits or ResponseHeadLimits(), self.client)
        self.begin(method)

    def begin(self, method: bytes = b"GET") -> None:
        head = parse_head(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n", HeadLimits())
        trace = Trace("f" * 32, "e" * 16)
        self.exchange = Exchange(self.client, head, Origin("-"), request_id="abc", trace=trace, started=0.0, max_body=0)
        self.reader.begin(self.exchange, [b"X-AIMux-Route: finance"])

    def feed(self, data: bytes, size: int) -> None:
        """Feed it in pieces of this size."""
        for at in range(0, len(data), size):
            self.reader.feed(data[at : at + size])


@pytest.mark.parametrize(("data", "reusable"), [(SMALL, True), (CHUNKED, True), (b"HTTP/1.0" + SMALL[8:], False)])
def test_a_response_is_complete_by_itself_and_says_whether_another_may_follow(data: bytes, reusable: bool) -> None:
    read = Read()
    assert not read.reader.begun
    read.reader.feed(data[:-1])
    assert (read.reader.begun, read.reader.head_complete, read.reader.complete) == (True, True, False)
    read.reader.feed(data[-1:])
    assert (read.reader.complete, read.reader.reusable, read.reader.until_close) == (True, reusable, False)


@pytest.mark.parametrize("data", [SMALL, CHUNKED])
def test_what_comes_together_is_sent_together_by_who_ends_the_exchange(data: bytes) -> None:
    read = Read()
    read.reader.feed(data)
    assert read.client.sent == []
    read.exchange.finish()
    (sent,) = read.client.sent
    assert b"\r\nX-AIMux-Route: finance\r\n" in sent
    assert sent.partition(b"\r\n\r\n")[2] == data.partition(b"\r\n\r\n")[2]


def test_what_is_not_complete_is_sent_as_it_comes() -> None:
    read = Read()
    read.reader.feed(OPEN)
    assert read.client.sent[0].endswith(b"\r\n\r\n2\r\nhi\r\n")
    read.reader.feed(b"more")
    assert read.client.sent[1:] == [b"4\r\nmore\r\n"]
    assert (read.reader.complete, read.reader.until_close) == (False, True)
    assert read.exchange.source is read.client


@pytest.mark.parametrize("behind", [SMALL, b"rubbish"])
def test_a_fault_behind_a_response_leaves_that_complete(behind: bytes) -> None:
    read = Read()
    with pytest.raises(Failure):
        read.reader.feed(SMALL + behind)
    assert read.reader.complete
    read.exchange.finish()
    assert read.client.sent[0].endswith(b"\r\n\r\nhi")


def test_the_answer_to_head_ends_with_its_head_and_what_lies_behind_that_is_nobodys() -> None:
    for behind in (b"", b"hi"):
        read = Read(b"HEAD")
        read.reader.feed(SMALL[:-2] + behind)
        assert read.reader.complete
        assert read.reader.reusable == (behind == b"")


def test_one_exchange_after_the_other_is_read() -> None:
    read = Read(b"HEAD")
    for method, data in ((b"HEAD", SMALL[:-2]), (b"GET", CHUNKED), (b"GET", SMALL)):
        read.begin(method)
        assert (read.reader.begun, read.reader.head_complete, read.reader.complete) == (False, False, False)
        read.reader.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n" + data)
        assert (read.reader.complete, read.reader.reusable, read.exchange.status) == (True, True, 200)
        read.reader.leave()


def test_what_is_over_a_limit_is_refused_however_it_comes() -> None:
    limits = ResponseHeadLimits(header_bytes=100)
    for data in (b"HTTP/1.1 200 " + b"x" * 500, CHUNKED[:-5] + b"1;" + b"x" * 500):
        for size in (1, 50):
            read = Read(limits=limits)
            with pytest.raises(Failure, match=r"too large|without a byte of its body"):
                read.feed(data, size)
            assert not read.reader.complete
