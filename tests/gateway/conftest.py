"""Fakes of what the gateway needs: a client's exchange, the way to the upstreams, and a model."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aimux.core.headers import Trace
from aimux.core.reason import Failure
from aimux.core.record import Ended
from aimux.core.scores import Scored, Scores
from aimux.gateway.handle import Gateway, Limits
from aimux.gateway.live import Generation, Live
from aimux.gateway.ports import Outcome
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, find_head, parse_head

sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class FakeExchange:
    """One request, from the bytes of its head; it remembers what it was answered."""

    raw: bytes
    body: bytes | Failure = b""
    request_id: str = "abc123"
    status: int = 0
    response_bytes: int = 0
    upstream_request_id: str | None = None
    aborted: bool = False
    closes: bool = False
    body_reads: int = 0
    answers: list = field(default_factory=list)

    def __post_init__(self):
        limits = HeadLimits()
        self.head = parse_head(self.raw[: find_head(self.raw, limits)], limits)
        self.origin = Origin("192.0.2.7")
        self.trace = Trace("f" * 32, "e" * 16)
        self.started = time.perf_counter()

    @property
    def responding(self):
        return self.status != 0

    async def first_byte(self):
        await asyncio.sleep(0)
        return self.body.lstrip()[:1]

    async def read_body(self):
        self.body_reads += 1
        await asyncio.sleep(0)
        if isinstance(self.body, Failure):
            raise self.body
        return self.body

    def answer(self, status, own, body):
        assert not self.responding, "a second answer"
        self.status, self.response_bytes = status, len(body)
        self.answers.append((status, own, body))

    def close_after(self):
        assert not self.responding, "too late to say so"
        self.closes = True

    def abort(self):
        self.aborted = True

    @property
    def error(self):
        """The refusal that the client got; its message without the code, which stands behind every one."""
        ((status, own, body),) = self.answers
        error = json.loads(body)["error"]
        assert error["status"] == status
        assert error["request_id"] == self.request_id
        assert b"Content-Type: application/json" in own
        assert {b"X-Request-ID: abc123", b"request-id: abc123"} <= set(own)
        error["message"], code = error["message"].rsplit(" ", 1)
        assert code == f"[{error['code']}]"
        return error


@dataclass
class FakeForwarder:
    """Forwards to nowhere. `script` is what happens: an exception to raise, before or after a response was begun."""

    script: BaseException | None = None
    responds: bool = True
    outcome: Outcome = field(default_factory=lambda: Outcome(Ended.COMPLETED, 0.25))
    calls: list = field(default_factory=list)

    async def forward(self, permit, exchange, body):
        self.calls.append((permit, exchange, body))
        await asyncio.sleep(0)
        if self.responds:
            exchange.status = 200
            exchange.response_bytes = 12
        if self.script is not None:
            raise self.script
        return self.outcome


@dataclass
class FakeScorer:
    """Gives these scores for every text, or raises."""

    scores: object = None
    remembered: bool = False
    texts: list = field(default_factory=list)

    def cached(self, text):
        return Scored(self.scores, cached=True) if self.remembered else None

    async def score(self, text):
        self.texts.append(text)
        await asyncio.sleep(0)
        if isinstance(self.scores, BaseException):
            raise self.scores
        return Scored(self.scores, seconds=0.125)


class House:
    """A gateway over a policy, with everything around it faked; `records` is what it told its observer."""

    def __init__(self, policy, scores=(), *, scorer=None, forwarder=None, body_bytes=100_000, ledger=None):
        values = Scores(tuple(scores)) if isinstance(scores, tuple | list) else scores
        self.scorer = scorer or FakeScorer(values)
        self.forwarder = forwarder or FakeForwarder()
        self.records = []
        self.live = Live(Generation(policy, self.scorer))
        self.gateway = Gateway(self.live, self.forwarder, [self.records.append], Limits(body_bytes), ledger)

    def serve(self, raw, body=b""):
        """Serve one request to its end; the exchange, and its record."""
        exchange = FakeExchange(raw, body)
        asyncio.run(self.gateway.handle(exchange))
        assert self.live.in_flight == 0
        return exchange, self.records[-1]


@pytest.fixture(scope="session")
def house():
    """Builds a gateway of fakes."""
    return House


@pytest.fixture(scope="session")
def fake_exchange():
    """Builds an exchange."""
    return FakeExchange


@pytest.fixture(scope="session")
def fake_forwarder():
    """Builds a forwarder."""
    return FakeForwarder


@pytest.fixture(scope="session")
def fake_scorer():
    """Builds a scorer."""
    return FakeScorer
