"""The straight line: one decision, one answer and one record a request; nothing is forwarded without a permit."""

import asyncio
import gzip
import json
import time
from dataclasses import replace
from datetime import datetime

import pytest
from gateway_support.asking import (
    ADMIN,
    ASKED,
    FINANCE,
    MEANS_ADMIN,
    MEANS_FINANCE,
    MEANS_NOTHING,
    POLICY,
    post,
    refused,
)

from aimux.audit.format.writing import moment
from aimux.core.decision import decide
from aimux.core.policy import Guard, Policy
from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.core.request import ChosenBy
from aimux.core.rules import Rule
from aimux.core.scores import Scored, Scores, TextTooLong

# Forwarded


def test_a_permitted_request_is_forwarded_once_and_recorded(house):
    served = house(POLICY, MEANS_FINANCE)
    exchange, record = served.serve(ASKED)
    ((permit, forwarded, body),) = served.forwarder.calls
    assert permit.route is FINANCE
    assert permit.principal.agent == "finance-bot"
    assert forwarded is exchange
    assert body is None
    assert exchange.answers == []
    assert exchange.body_reads == 0
    assert (record.verdict, record.status, record.route, record.ended) == ("forward", 200, "finance", Ended.COMPLETED)
    assert (record.method, record.path, record.dialect, record.peer) == ("GET", "/", "query", "192.0.2.7")
    assert (record.request_id, record.trace) == (exchange.request_id, exchange.trace)
    assert record.principal.agent == "finance-bot"
    assert record.says == "route 'finance' lists agent 'finance-bot'"
    assert record.scores == (("finance", 0.9), ("admin", 0.1))
    assert (record.match.best, record.match.score) == (FINANCE, 0.9)
    assert (record.cached, record.model_seconds, record.upstream_seconds) == (False, 0.125, 0.25)
    assert record.response_bytes == 12
    assert record.total_seconds >= record.decided_seconds > 0
    assert record.fault == ""
    assert len(served.records) == 1


def test_the_fallback_is_a_verdict_of_its_own(house):
    served = house(POLICY, MEANS_NOTHING)
    _, record = served.serve(ASKED)
    assert (record.verdict, record.route, record.match.best) == ("fallback", "fallback", ADMIN)
    assert served.forwarder.calls[0][0].is_fallback


def test_a_body_that_was_read_is_handed_on_as_it_came(house):
    served = house(POLICY, MEANS_FINANCE)
    document = b'{"agent": "finance-bot",\n "query": "analyze budget"}'
    exchange, record = served.serve(*post(document))
    assert served.forwarder.calls[0][2] == document
    assert exchange.body_reads == 1
    assert served.scorer.texts == ["analyze budget"]
    assert (record.verdict, record.dialect) == ("forward", "json")


def test_what_a_guard_hears_in_the_query_alone_is_recorded_as_that(house):
    guarded = replace(POLICY, guards=(Guard("g", ("kill",), 0.9),))
    served = house(guarded, Scores((0.1, 0.1, 0.0), guards=(0.95,)))
    picture = post(
        b"\x89PNG",
        b"Content-Type: image/png",
        b"X-Source-Agent: finance-bot",
        b"X-AIMux-Route: finance",
        target=b"/?note=kill+it",
    )
    _, record = refused(served, "guard_refused", *picture)
    assert served.scorer.texts == ["kill it"]
    assert record.dialect == "query"


def test_a_large_body_is_read_all_the_same(house):
    served = house(POLICY, MEANS_FINANCE)
    document = json.dumps({"query": "analyze budget", "agent": "finance-bot", "more": "x" * 60_000}).encode()
    _, record = served.serve(*post(document))
    assert (record.verdict, served.forwarder.calls[0][2]) == ("forward", document)


def test_a_body_that_cannot_speak_is_not_read(house):
    served = house(POLICY, MEANS_FINANCE)
    request, body = post(b"\x00\x01", b"Content-Type: application/octet-stream", b"X-AIMux-Route: open")
    exchange, record = served.serve(request, body)
    assert (record.verdict, record.route, exchange.body_reads) == ("forward", "open", 0)
    assert served.forwarder.calls[0][2] is None


def test_scores_seen_before_are_not_asked_for_again(house, fake_scorer):
    scorer = fake_scorer(Scores(MEANS_FINANCE), remembered=True)
    served = house(POLICY, scorer=scorer)
    _, record = served.serve(ASKED)
    assert (record.verdict, record.cached, record.model_seconds) == ("forward", True, None)
    assert scorer.texts == []


def test_a_named_route_is_never_scored(house):
    served = house(POLICY, RuntimeError("not asked"))
    request = b"GET /v1?client_id=finance-bot HTTP/1.1\r\nHost: x\r\nX-AIMux-Route: finance\r\n\r\n"
    _, record = served.serve(request)
    assert (record.verdict, record.route, record.path, record.cached) == ("forward", "finance", "/v1", None)
    assert served.scorer.texts == []


# Its steps


class Ledger:
    """Takes each decision in its own time; `fault` is what comes of it instead."""

    def __init__(self, fault=None):
        self.fault = fault
        self.seen = []

    def decided(self, record):
        self.seen.append((record.decided_seconds, record.forwarding_began))
        return self._write()

    async def _write(self):
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault


def test_each_step_begins_where_the_one_before_has_ended(house):
    _, record = house(POLICY, MEANS_FINANCE).serve(ASKED)
    assert 0 < record.scoring_began <= record.decided_seconds == record.forwarding_began <= record.total_seconds


def test_a_step_that_was_not_taken_has_no_beginning(house, fake_scorer):
    _, remembered = house(POLICY, scorer=fake_scorer(Scores(MEANS_FINANCE), remembered=True)).serve(ASKED)
    assert remembered.scoring_began is None
    _, forbidden = house(POLICY, MEANS_ADMIN).serve(ASKED)
    assert forbidden.scoring_began > 0
    assert forbidden.forwarding_began is None


def test_forwarding_begins_when_the_decision_has_been_written(house):
    ledger = Ledger()
    _, record = house(POLICY, MEANS_FINANCE, ledger=ledger).serve(ASKED)
    assert ledger.seen == [(record.decided_seconds, None)]
    assert record.decided_seconds < record.forwarding_began <= record.total_seconds


def test_what_could_not_be_written_is_not_forwarded(house):
    served = house(POLICY, MEANS_FINANCE, ledger=Ledger(Failure(Reason.NOT_READY, "no disk")))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == "not_ready"
    assert served.forwarder.calls == []
    assert record.decided_seconds > 0
    assert record.forwarding_began is None


# Refused


def test_a_request_meant_for_a_forbidden_route(house):
    exchange, record = refused(house(POLICY, MEANS_ADMIN), "route_forbidden", ASKED)
    assert exchange.error["message"] == "agent 'finance-bot' may not use route 'admin'"
    assert (record.route, record.principal.agent, record.match.score) == ("admin", "finance-bot", 0.9)
    assert record.response_bytes == len(exchange.answers[0][2])


def test_an_unknown_agent_costs_nothing(house):
    served = house(POLICY, RuntimeError("not asked"))
    request, body = post(b'{"query": "x"}', b"X-Source-Agent: stranger")
    exchange, _ = refused(served, "unknown_agent", request, body)
    assert exchange.body_reads == 0
    assert served.scorer.texts == []


def test_ambiguity_names_candidates(house):
    either = Policy.of((FINANCE, ADMIN), agents=POLICY.agents)
    exchange, _ = refused(house(either, (0.9, 0.89)), "ambiguous_route", ASKED)
    assert exchange.error["candidates"] == ["finance"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (post(b"{"), "bad_request"),
        (post(b'{"agent": 5}'), "identity_malformed"),
        (post(b"hello", b"Content-Type: text/plain; charset=utf-16"), "unsupported_encoding"),
        (post(b"hello", b"Content-Encoding: lzma"), "unsupported_encoding"),
        (post(b"hello", b"Content-Type: text/plain", b"Content-Type: text/plain"), "bad_request"),
        (post(b"", b"X-AIMux-Route: a", b"X-AIMux-Route: b"), "bad_request"),
        (post(b"", b"X-AIMux-Route: nowhere"), "no_route"),
        (post(b"", b"X-Source-Agent: finance-bot", b"X-Source-Agent: admin-bot"), "identity_malformed"),
        (post(b'{"input": [1, 2]}'), "no_text"),
        (post(b"", b"X-AIMux-Route: finance"), "anonymous_forbidden"),
    ],
)
def test_refusals(house, request_, code):
    _, record = refused(house(POLICY, MEANS_FINANCE), code, *request_)
    assert record.rule


def test_a_text_that_is_too_long(house):
    exchange, record = refused(house(POLICY, TextTooLong(9000, 8192)), "text_too_long", ASKED)
    assert "semantic_engine.max_tokens" in exchange.error["message"]
    assert record.scores == ()


def test_a_body_that_breaks_off(house):
    failure = Failure(Reason.REQUEST_TIMEOUT, "the request's body did not arrive in time")
    exchange, record = refused(house(POLICY), "request_timeout", post(b"12345")[0], failure)
    assert exchange.error["message"] == failure.message
    assert record.rule is Rule.REQUEST_TIMEOUT


def test_a_body_that_decodes_to_too_much(house):
    served = house(POLICY, MEANS_FINANCE, body_bytes=1000)
    refused(served, "body_too_large", *post(gzip.compress(b"x" * 1001), b"Content-Encoding: gzip"))


class _ByText:
    """Gives each text the scores that it has here."""

    def __init__(self, scores):
        self.scores = scores

    def cached(self, _):
        return None

    async def score(self, text):
        return Scored(Scores(self.scores[text]))


def test_the_record_of_a_list_has_the_scores_of_the_text_that_is_refused(house):
    body = json.dumps({"agent": "finance-bot", "input": ["one", "two", "three"]}).encode()
    says = {"one": MEANS_FINANCE, "two": MEANS_ADMIN, "three": MEANS_ADMIN}
    served = house(POLICY, scorer=_ByText(says))
    _, record = refused(served, "route_forbidden", *post(body, b"Content-Type: application/json"))
    assert (record.route, record.chosen_by) == ("admin", ChosenBy.LIST)
    assert record.scores == (("finance", 0.1), ("admin", 0.9))
    divided = house(POLICY, scorer=_ByText(says | {"two": MEANS_NOTHING, "three": MEANS_FINANCE}))
    _, record = refused(divided, "ambiguous_route", *post(body, b"Content-Type: application/json"))
    assert (record.route, record.scores) == ("finance", (("finance", 0.9), ("admin", 0.1)))


def test_a_request_is_decided_at_the_moment_that_is_recorded(house, monkeypatch):
    moments = []

    def decide_and_note(facts, policy, standing, trace=None):
        moments.append((facts.now, standing))
        return decide(facts, policy, standing, trace)

    monkeypatch.setattr("aimux.gateway.settle.decide", decide_and_note)
    before = time.time()
    _, record = house(POLICY, MEANS_FINANCE).serve(ASKED)
    assert before - 1e-5 <= record.began <= time.time()
    assert set(moments) == {(record.began, record.standing)}
    # To the microsecond, as a record has it.
    assert datetime.fromisoformat(moment(record.began)).timestamp() == record.began
