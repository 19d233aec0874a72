"""The straight line of a request: facts, decision, the fact it needs, decision again; then forward or refuse."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from aimux.core.decision import Permit
from aimux.core.endpoints import MODELS
from aimux.core.fault import fault_of
from aimux.core.gates import identify
from aimux.core.headers import id_lines
from aimux.core.identity import ANONYMOUS, Principal
from aimux.core.policy import Policy
from aimux.core.reason import Failure, Reason
from aimux.core.record import VERDICT_ANSWERED, Ended, Record
from aimux.core.refusal import Refusal, after_failure, after_fault, no_such_model
from aimux.core.request import SILENT, Facts
from aimux.core.routing import match
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.gateway.answers import (
    JSON_LINE,
    model_body,
    models_body,
    refusal_body,
    refusal_lines,
)
from aimux.gateway.learning import Learner
from aimux.gateway.live import Generation, Live
from aimux.gateway.own_models import answers_models, model_name
from aimux.gateway.ports import Exchange, Forwarder, Ledger, Observer
from aimux.gateway.settle import settle
from aimux.wire.dialects import read_opening
from aimux.wire.prefixes import without_prefix

_CLIENT_CLOSED_REQUEST = 499
_MODELS_PATH = MODELS.encode("ascii")
_UPSTREAM_FAILED = frozenset(
    {Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_INVALID, Reason.REDIRECT_REFUSED, Reason.UPSTREAM_TIMEOUT}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bytes that a body read for its meaning may decode to."""

    body_bytes: int


E = TypeVar("E", bound=Exchange)


class Gateway(Generic[E]):
    """Decides and forwards requests; tells its observers of each when it has ended."""

    def __init__(
        self,
        live: Live,
        forwarder: Forwarder[E],
        observers: Sequence[Observer],
        limits: Limits,
        ledger: Ledger | None = None,
    ) -> None:
        """Without a ledger nothing is written down before it is forwarded."""
        self._ledger = ledger
        self._live = live
        self._forwarder = forwarder
        self._observers = tuple(observers)
        self._limits = limits

    async def handle(self, exchange: E) -> None:
        """Serve one request to its end. Never raises but for cancellation, which means that the client has left."""
        record = _record_of(exchange)
        try:
            generation = self._live.lease()
            try:
                await self._serve(exchange, generation, record)
            finally:
                self._live.release(generation)
        except asyncio.CancelledError:
            record.ended = Ended.CLIENT_LEFT
            record.status = record.status or _CLIENT_CLOSED_REQUEST
            raise
        except Failure as failure:
            record.fault = failure.detail
            _refuse(exchange, record, after_failure(failure))
        except Exception as error:  # fail closed: whatever went wrong, nothing is forwarded
            record.fault = fault_of(error)
            _refuse(exchange, record, after_fault(error))
        finally:
            self._tell(record, exchange)

    async def preflight(self, exchange: E, own: Sequence[bytes]) -> None:
        """Answer a browser that asks first whether a page may ask; `own` are the header lines that say so."""
        refusing = self._live.refusing
        if refusing is not None:
            exchange.close_after()
            if self._live.obstacles:
                return self.reject(exchange, refusing)
        record = _record_of(exchange)
        record.principal, record.verdict = ANONYMOUS, VERDICT_ANSWERED
        record.rule = Rule.GATEWAY_PREFLIGHT
        exchange.answer(204, [*own, b"X-Request-ID: " + exchange.request_id.encode("ascii")], b"")
        return self._tell(record, exchange)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Refuse a request whose head could not be read."""
        record = _record_of(exchange)
        record.fault = failure.detail
        _refuse(exchange, record, after_failure(failure))
        self._tell(record, exchange)

    async def _serve(self, exchange: E, generation: Generation, record: Record) -> None:
        policy = generation.policy
        if policy.prefixes is not None:
            exchange.head = without_prefix(exchange.head, policy.prefixes)
        head = exchange.head
        opening = read_opening(head, policy.identity, hears=policy.hears)
        record.dialect, record.said, record.action = opening.head.dialect, opening.head, opening.head.action
        record.policy, record.model = policy, generation.model
        record.standing = standing = self._live.standing
        facts = opening.facts(record.began)
        if head.path.startswith(_MODELS_PATH) and answers_models(facts, policy):
            return _answer_models(exchange, facts, generation, record)
        learner = Learner(exchange, opening, generation, record, self._limits.body_bytes)
        decision = await settle(facts, policy, standing, learner.learn)
        record.action = facts.action
        if isinstance(decision, Refusal):
            return _refuse_decided(exchange, record, decision, facts, policy)
        record.permitted(decision)
        if decision.turn:
            _note_turn(record, decision, facts, policy)
        began = record.decided_seconds = time.perf_counter() - exchange.started
        if self._ledger is not None:
            written = self._ledger.decided(record)
            if written is not None:
                await written
                began = time.perf_counter() - exchange.started
        record.forwarding_began = began
        outcome = await self._forwarder.forward(decision, exchange, learner.body)
        record.upstream_seconds = outcome.upstream_seconds
        record.ended = outcome.ended
        record.fault = outcome.fault
        return None

    def _tell(self, record: Record, exchange: Exchange) -> None:
        record.total_seconds = time.perf_counter() - exchange.started
        record.status = exchange.status or record.status
        record.response_bytes = exchange.response_bytes
        record.upstream_request_id = exchange.upstream_request_id
        for observer in self._observers:
            try:
                observer(record)
            except Exception as error:  # one that fails must not keep the others from being told
                context = {"message": "an observer of requests failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)


def _record_of(exchange: Exchange) -> Record:
    head, peer = exchange.head, exchange.origin.peer
    # In whole microseconds, as it is recorded: a replay decides at this very moment.
    began = time.time_ns() // 1000 / 1_000_000
    record = Record(exchange.request_id, exchange.trace, peer, began, head.method, head.path_text)
    record.client_request_id = head.client_request_id
    return record


def _note_turn(record: Record, permit: Permit, facts: Facts, policy: Policy) -> None:
    """The scores of the turn that chose are those that count."""
    chose = facts.more[permit.turn - 1]
    if isinstance(chose, Scores):
        record.scored = (policy, chose)


def _refuse_decided(exchange: Exchange, record: Record, refusal: Refusal, facts: Facts, policy: Policy) -> None:
    """Refuse; of several texts the one that is refused has the scores that count."""
    if facts.more and refusal.match is not None:
        whole = replace(refusal.match, part=None)
        for found in (facts.scores, *facts.more):
            if isinstance(found, Scores) and match(policy, found) == whole:
                record.scored = (policy, found)
                break
    _refuse(exchange, record, refusal)


def _answer_models(exchange: Exchange, facts: Facts, generation: Generation, record: Record) -> None:
    facts.body = facts.body or SILENT
    principal = identify(facts, generation.policy)
    if isinstance(principal, Refusal):
        return _refuse(exchange, record, principal)
    if not isinstance(principal, Principal):
        raise TypeError("nobody here learns who sends a request for the list of models")
    name = model_name(facts.path)
    body = model_body(name, principal, generation.policy) if name else models_body(principal, generation.policy)
    if body is None:
        return _refuse(exchange, record, no_such_model(principal))
    record.principal = principal
    record.verdict = VERDICT_ANSWERED
    record.rule = Rule.GATEWAY_MODELS
    return exchange.answer(200, [JSON_LINE, *id_lines(exchange.request_id)], body)


def _refuse(exchange: Exchange, record: Record, refusal: Refusal) -> None:
    record.refused(refusal)
    if refusal.reason in _UPSTREAM_FAILED:
        record.ended = Ended.UPSTREAM_FAILED
    if exchange.responding:
        record.ended = Ended.TRUNCATED
        exchange.abort()
        return
    if refusal.reason is Reason.DRAINING:
        exchange.close_after()
    lines = refusal_lines(refusal, exchange.request_id)
    exchange.answer(refusal.reason.status, lines, refusal_body(refusal, exchange.request_id))
