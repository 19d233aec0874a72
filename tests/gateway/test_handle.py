"""The straight line: one decision, one answer and one record a request; nothing is forwarded without a permit."""

import asyncio
import gzip
import json
import math

import pytest

from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.core.request import Scores, TextTooLong
from aimux.core.snapshot import FALLBACK_NAME, Access, Route, Snapshot, Upstream
from aimux.gateway.handle import Gateway, Limits
from aimux.gateway.live import Generation, Live
from aimux.gateway.ports import Outcome

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
FINANCE = Route("finance", UPSTREAM, Access.RESTRICTED, frozenset({"finance-bot"}), ("analyze budget",))
ADMIN = Route("admin", UPSTREAM, Access.RESTRICTED, frozenset({"admin-bot"}), ("delete users",))
OPEN = Route("open", UPSTREAM, Access.OPEN)
SNAPSHOT = Snapshot.of(
    (FINANCE, ADMIN, OPEN),
    agents=frozenset({"finance-bot", "admin-bot"}),
    fallback=Route(FALLBACK_NAME, UPSTREAM, Access.OPEN),
)
MEANS_FINANCE, MEANS_ADMIN, MEANS_NOTHING = (0.9, 0.1, None), (0.1, 0.9, None), (0.1, 0.2, None)
ASKED = b"GET /?q=analyze+budget&client_id=finance-bot HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body, *lines, target=b"/"):
    head = (b"POST " + target + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *lines, b"", b"")
    return b"\r\n".join(head), body


# Forwarded


def test_a_permitted_request_is_forwarded_once_and_recorded(house):
    served = house(SNAPSHOT, MEANS_FINANCE)
    exchange, record = served.serve(ASKED)
    ((permit, forwarded, body),) = served.forwarder.calls
    assert permit.route is FINANCE
    assert permit.principal.name == "finance-bot"
    assert forwarded is exchange
    assert body is None
    assert exchange.answers == []
    assert exchange.body_reads == 0
    assert (record.verdict, record.status, record.route, record.ended) == ("forward", 200, "finance", Ended.COMPLETED)
    assert (record.method, record.path, record.dialect, record.peer) == ("GET", "/", "query", "192.0.2.7")
    assert (record.request_id, record.trace) == (exchange.request_id, exchange.trace)
    assert record.principal.name == "finance-bot"
    assert record.rule == "route 'finance' lists agent 'finance-bot'"
    assert record.scores == (("finance", 0.9), ("admin", 0.1))
    assert (record.match.best, record.match.score) == (FINANCE, 0.9)
    assert (record.cached, record.model_seconds, record.upstream_seconds) == (False, 0.125, 0.25)
    assert record.response_bytes == 12
    assert record.total_seconds >= record.decided_seconds > 0
    assert record.fault == ""
    assert len(served.records) == 1


def test_the_fallback_is_a_verdict_of_its_own(house):
    served = house(SNAPSHOT, MEANS_NOTHING)
    _, record = served.serve(ASKED)
    assert (record.verdict, record.route, record.match.best) == ("fallback", "fallback", ADMIN)
    assert served.forwarder.calls[0][0].is_fallback


def test_a_body_that_was_read_is_handed_on_as_it_came(house):
    served = house(SNAPSHOT, MEANS_FINANCE)
    document = b'{"agent": "finance-bot",\n "query": "analyze budget"}'
    exchange, record = served.serve(*post(document))
    assert served.forwarder.calls[0][2] == document
    assert exchange.body_reads == 1
    assert served.scorer.texts == ["analyze budget"]
    assert (record.verdict, record.dialect) == ("forward", "json")


def test_a_large_body_is_read_all_the_same(house):
    served = house(SNAPSHOT, MEANS_FINANCE)
    document = json.dumps({"query": "analyze budget", "agent": "finance-bot", "more": "x" * 60_000}).encode()
    _, record = served.serve(*post(document))
    assert (record.verdict, served.forwarder.calls[0][2]) == ("forward", document)


def test_a_body_that_cannot_speak_is_not_read(house):
    served = house(SNAPSHOT, MEANS_FINANCE)
    request, body = post(b"\x00\x01", b"Content-Type: application/octet-stream", b"X-AIMux-Route: open")
    exchange, record = served.serve(request, body)
    assert (record.verdict, record.route, exchange.body_reads) == ("forward", "open", 0)
    assert served.forwarder.calls[0][2] is None


def test_scores_seen_before_are_not_asked_for_again(house, fake_scorer):
    scorer = fake_scorer(Scores(MEANS_FINANCE), remembered=True)
    served = house(SNAPSHOT, scorer=scorer)
    _, record = served.serve(ASKED)
    assert (record.verdict, record.cached, record.model_seconds) == ("forward", True, None)
    assert scorer.texts == []


def test_a_named_route_is_never_scored(house):
    served = house(SNAPSHOT, RuntimeError("not asked"))
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
    _, record = house(SNAPSHOT, MEANS_FINANCE).serve(ASKED)
    assert 0 < record.scoring_began <= record.decided_seconds == record.forwarding_began <= record.total_seconds


def test_a_step_that_was_not_taken_has_no_beginning(house, fake_scorer):
    _, remembered = house(SNAPSHOT, scorer=fake_scorer(Scores(MEANS_FINANCE), remembered=True)).serve(ASKED)
    assert remembered.scoring_began is None
    _, forbidden = house(SNAPSHOT, MEANS_ADMIN).serve(ASKED)
    assert forbidden.scoring_began > 0
    assert forbidden.forwarding_began is None


def test_forwarding_begins_when_the_decision_has_been_written(house):
    ledger = Ledger()
    _, record = house(SNAPSHOT, MEANS_FINANCE, ledger=ledger).serve(ASKED)
    assert ledger.seen == [(record.decided_seconds, None)]
    assert record.decided_seconds < record.forwarding_began <= record.total_seconds


def test_what_could_not_be_written_is_not_forwarded(house):
    served = house(SNAPSHOT, MEANS_FINANCE, ledger=Ledger(Failure(Reason.NOT_READY, "no disk")))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == "not_ready"
    assert served.forwarder.calls == []
    assert record.decided_seconds > 0
    assert record.forwarding_began is None


# Refused


def refused(served, code, *request):
    exchange, record = served.serve(*request)
    assert served.forwarder.calls == []
    assert exchange.error["code"] == record.verdict == code
    assert record.status == exchange.status == exchange.error["status"]
    assert record.decided_seconds is None
    assert len(served.records) == 1
    return exchange, record


def test_a_request_meant_for_a_forbidden_route(house):
    exchange, record = refused(house(SNAPSHOT, MEANS_ADMIN), "route_forbidden", ASKED)
    assert exchange.error["message"] == "agent 'finance-bot' may not use route 'admin'"
    assert (record.route, record.principal.name, record.match.score) == ("admin", "finance-bot", 0.9)
    assert record.response_bytes == len(exchange.answers[0][2])


def test_an_unknown_agent_costs_nothing(house):
    served = house(SNAPSHOT, RuntimeError("not asked"))
    request, body = post(b'{"query": "x"}', b"X-Source-Agent: stranger")
    exchange, _ = refused(served, "unknown_agent", request, body)
    assert exchange.body_reads == 0
    assert served.scorer.texts == []


def test_ambiguity_names_candidates(house):
    either = Snapshot.of((FINANCE, ADMIN), agents=SNAPSHOT.agents)
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
        (post(b'{"messages": []}'), "no_text"),
        (post(b""), "no_text"),
        (post(b"", b"X-AIMux-Route: finance"), "anonymous_forbidden"),
    ],
)
def test_refusals(house, request_, code):
    _, record = refused(house(SNAPSHOT, MEANS_FINANCE), code, *request_)
    assert record.rule


def test_a_text_that_is_too_long(house):
    exchange, record = refused(house(SNAPSHOT, TextTooLong(9000, 8192)), "text_too_long", ASKED)
    assert "semantic_engine.max_tokens" in exchange.error["message"]
    assert record.scores == ()


def test_a_body_that_breaks_off(house):
    failure = Failure(Reason.REQUEST_TIMEOUT, "the request's body did not arrive in time")
    exchange, record = refused(house(SNAPSHOT), "request_timeout", post(b"12345")[0], failure)
    assert exchange.error["message"] == failure.message
    assert record.rule == "request_timeout"


def test_a_body_that_decodes_to_too_much(house):
    served = house(SNAPSHOT, MEANS_FINANCE, body_bytes=1000)
    refused(served, "body_too_large", *post(gzip.compress(b"x" * 1001), b"Content-Encoding: gzip"))


# Faults: whatever breaks, nothing is forwarded, and nobody is told more than that


FAULTS = [RuntimeError("secret detail"), MemoryError(), AssertionError(), KeyError("secret")]
NONSENSE = [
    *(Scores((math.nan, 0.1, None)), Scores((0.9, math.nan, None)), Scores((1.5, 0.1, None)), Scores((-0.1, 0.1, 0.1))),
    *(Scores((0.9,)), Scores(()), Scores((0.9, 0.1, 0.1, 0.1)), "no scores at all"),
]


@pytest.mark.parametrize(
    ("scores", "remembered"),
    [*((scores, False) for scores in FAULTS + NONSENSE), *((scores, True) for scores in NONSENSE)],
    ids=repr,
)
def test_a_fault_of_the_model_refuses(house, fake_scorer, scores, remembered):
    served = house(SNAPSHOT, scorer=fake_scorer(scores, remembered=remembered))
    exchange, record = refused(served, "internal", ASKED)
    assert exchange.status == 500
    assert exchange.error["message"] == "a fault inside the gateway"
    assert "secret" not in str(exchange.answers)
    assert record.fault.startswith("RuntimeError: secret detail" if scores is FAULTS[0] else "")
    assert record.fault


def test_a_model_that_refuses_in_time_is_believed(house):
    failure = Failure(Reason.OVERLOADED, "too many texts wait for the model: try again soon")
    exchange, record = refused(house(SNAPSHOT, failure), "overloaded", ASKED)
    assert b"Retry-After: 1" in exchange.answers[0][1]
    assert record.fault == ""


def test_intents_without_a_scorer_refuse(house):
    served = house(SNAPSHOT)
    served.live.generation = Generation(SNAPSHOT, None)
    _, record = refused(served, "internal", ASKED)
    assert "no intents" in record.fault


def test_a_fault_while_reading_the_body_refuses(house):
    refused(house(SNAPSHOT), "internal", post(b"{}")[0], object())


def test_an_upstream_that_fails_before_its_response(house, fake_forwarder):
    failure = Failure(Reason.UPSTREAM_UNREACHABLE, "the upstream cannot be reached")
    served = house(SNAPSHOT, MEANS_FINANCE, forwarder=fake_forwarder(failure, responds=False))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == record.verdict == "upstream_unreachable"
    assert (record.status, record.route, record.principal.name) == (502, "finance", "finance-bot")
    assert not exchange.aborted
    assert record.ended is Ended.UPSTREAM_FAILED


@pytest.mark.parametrize(
    "script", [RuntimeError("broken off"), Failure(Reason.UPSTREAM_TIMEOUT, "too late"), ConnectionResetError()]
)
def test_a_response_that_was_begun_is_cut_and_never_made_to_look_complete(house, fake_forwarder, script):
    served = house(SNAPSHOT, MEANS_FINANCE, forwarder=fake_forwarder(script))
    exchange, record = served.serve(ASKED)
    assert exchange.aborted
    assert exchange.answers == []
    assert record.ended is Ended.TRUNCATED
    assert (record.status, record.route) == (200, "finance")


def test_a_fault_of_the_forwarder_before_a_response(house, fake_forwarder):
    served = house(SNAPSHOT, MEANS_FINANCE, forwarder=fake_forwarder(ValueError("secret"), responds=False))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == "internal"
    assert "secret" not in str(exchange.answers)
    assert record.fault == "ValueError: secret"


def test_how_a_forwarded_exchange_ended_is_recorded(house, fake_forwarder):
    outcome = Outcome(Ended.TRUNCATED, 0.5, "the upstream closed in mid-body")
    served = house(SNAPSHOT, MEANS_FINANCE, forwarder=fake_forwarder(outcome=outcome))
    _, record = served.serve(ASKED)
    assert (record.ended, record.upstream_seconds, record.fault) == (Ended.TRUNCATED, 0.5, outcome.fault)
    assert (record.verdict, record.status) == ("forward", 200)


# The client leaves


@pytest.mark.parametrize("where", ["body", "model", "upstream", "response"])
def test_a_client_that_leaves_is_recorded_and_its_lease_given_back(house, fake_exchange, where):
    async def run():
        reached = asyncio.Event()

        async def hang(*_):
            reached.set()
            await asyncio.Event().wait()

        async def respond(_, exchange, __):
            exchange.status = 200
            await hang()

        served = house(SNAPSHOT, MEANS_FINANCE)
        exchange = fake_exchange(post(b"{}")[0] if where == "body" else ASKED)
        if where == "body":
            exchange.read_body = hang
        elif where == "model":
            served.scorer.score = hang
        else:
            served.forwarder.forward = hang if where == "upstream" else respond
        task = asyncio.create_task(served.gateway.handle(exchange))
        await reached.wait()
        assert served.live.in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert served.live.in_flight == 0
        (record,) = served.records
        assert record.ended is Ended.CLIENT_LEFT
        assert record.status == (200 if where == "response" else 499)
        assert exchange.answers == []
        assert record.route == ("finance" if where in {"upstream", "response"} else None)

    asyncio.run(run())


# Before, while and after serving


def test_before_it_is_ready_and_while_it_drains_everything_is_refused(house):
    served = house(SNAPSHOT, MEANS_FINANCE)
    generation, served.live.generation = served.live.generation, None
    exchange, record = served.serve(ASKED)
    assert (exchange.error["code"], record.status) == ("not_ready", 503)
    assert b"Retry-After: 2" in exchange.answers[0][1]
    assert not exchange.closes
    served.live.generation = generation
    served.live.draining = True
    exchange, record = served.serve(ASKED)
    assert (exchange.error["code"], record.verdict) == ("draining", "draining")
    assert b"Retry-After: 5" in exchange.answers[0][1]
    assert exchange.closes
    assert served.forwarder.calls == []


def test_a_request_under_way_is_finished_while_the_gateway_drains(house, fake_exchange):
    async def run():
        going, may_go_on = asyncio.Event(), asyncio.Event()

        async def slow(_, exchange, __):
            going.set()
            await may_go_on.wait()
            exchange.status = 200
            return Outcome(Ended.COMPLETED, 0.1)

        served = house(SNAPSHOT, MEANS_FINANCE)
        served.forwarder.forward = slow
        first, second = fake_exchange(ASKED), fake_exchange(ASKED)
        serving = asyncio.create_task(served.gateway.handle(first))
        await going.wait()
        draining = asyncio.create_task(served.live.drain())
        await asyncio.sleep(0)
        await served.gateway.handle(second)
        assert second.error["code"] == "draining"
        assert not draining.done()
        may_go_on.set()
        await serving
        await draining
        assert first.status == 200
        assert [record.verdict for record in served.records] == ["draining", "forward"]

    asyncio.run(run())


def test_a_request_keeps_the_generation_that_it_began_with(house, fake_exchange):
    async def run():
        served = house(SNAPSHOT, MEANS_FINANCE)
        score = served.scorer.score

        async def swap(text):
            served.live.generation = Generation(Snapshot.of(()), None)
            return await score(text)

        served.scorer.score = swap
        await served.gateway.handle(fake_exchange(ASKED))
        assert served.records[0].verdict == "forward"
        await served.gateway.handle(fake_exchange(ASKED))
        assert served.records[1].verdict == "unknown_agent"

    asyncio.run(run())


def test_a_head_that_could_not_be_read_is_refused_and_recorded(house, fake_exchange):
    served = house(SNAPSHOT)
    exchange = fake_exchange(ASKED)
    served.gateway.reject(exchange, Failure(Reason.HEADERS_TOO_LARGE, "the headers exceed 100 lines"))
    assert exchange.error["code"] == "headers_too_large"
    (record,) = served.records
    assert (record.verdict, record.status, record.rule) == (
        "headers_too_large",
        431,
        "a request must be readable in one way only",
    )
    assert served.forwarder.calls == []


def test_every_observer_is_told(fake_exchange, fake_forwarder):
    first, second = [], []
    gateway = Gateway(Live(), fake_forwarder(), [first.append, second.append], Limits(1000))
    asyncio.run(gateway.handle(fake_exchange(ASKED)))
    assert first == second
    assert len(first) == 1


def test_an_observer_that_fails_keeps_nobody_from_being_told_or_answered(fake_exchange, fake_forwarder):
    told, faults = [], []

    def fails(record):
        raise ZeroDivisionError

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
        gateway = Gateway(Live(), fake_forwarder(), [fails, told.append], Limits(1000))
        exchange = fake_exchange(ASKED)
        await gateway.handle(exchange)
        return exchange

    exchange = asyncio.run(run())
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
    assert len(told) == len(exchange.answers) == 1


# The list of models


@pytest.mark.parametrize(
    ("query", "models"),
    [
        (b"", ["open"]),
        (b"?client_id=finance-bot", ["finance", "open"]),
        (b"?source=admin-bot&q=text", ["admin", "open"]),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_models_lists_the_routes_that_the_caller_may_use(house, method, query, models):
    served = house(SNAPSHOT, RuntimeError("not asked"))
    exchange, record = served.serve(method + b" /v1/models" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    ((status, own, body),) = exchange.answers
    assert [model["id"] for model in json.loads(body)["data"]] == models
    assert (status, own) == (200, [b"Content-Type: application/json", b"X-Request-ID: abc123"])
    assert (record.verdict, record.status) == ("answered", 200)
    assert record.principal is not None
    assert record.rule
    assert served.forwarder.calls == []


def test_models_does_not_read_a_body(house):
    body = b'{"agent": "finance-bot"}'
    request = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    exchange, record = house(SNAPSHOT).serve(request, body)
    assert (record.verdict, record.principal.name, exchange.body_reads) == ("answered", None, 0)


def test_models_refuses_an_unknown_and_an_unreadable_caller(house):
    for query, code in ((b"client_id=stranger", "unknown_agent"), (b"agent=", "identity_malformed")):
        refused(house(SNAPSHOT), code, b"GET /v1/models?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")


@pytest.mark.parametrize("start", [b"POST /v1/models", b"GET /v1/models/", b"GET /v1/model", b"GET /V1/models"])
def test_any_other_request_is_traffic(house, start):
    served = house(SNAPSHOT)
    _, record = served.serve(start + b" HTTP/1.1\r\nHost: x\r\nX-AIMux-Route: open\r\n\r\n")
    assert (record.verdict, record.route) == ("forward", "open")
