"""Whatever breaks, or whoever leaves: nothing is forwarded that should not be, and nobody is told more than that."""

import asyncio
import errno
import math
import re

import pytest
from gateway_support.asking import ASKED, MEANS_FINANCE, POLICY, post, refused

from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.core.scores import Scores
from aimux.gateway.live import Generation
from aimux.gateway.ports import Outcome

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
    served = house(POLICY, scorer=fake_scorer(scores, remembered=remembered))
    exchange, record = refused(served, "internal", ASKED)
    assert exchange.status == 500
    assert exchange.error["message"] == "a fault inside the gateway"
    assert "secret" not in str(exchange.answers)
    assert record.fault.startswith("RuntimeError: secret detail" if scores is FAULTS[0] else "")
    assert record.fault


def caused(error: Exception, cause: Exception) -> Exception:
    """An error and its cause."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENFILE, "Too many open files in system"),
        caused(RuntimeError("no session"), OSError(errno.EMFILE, "Too many open files")),
    ],
)
def test_a_fault_for_want_of_a_descriptor_is_told_as_one(house, fake_scorer, fault):
    exchange, record = refused(house(POLICY, scorer=fake_scorer(fault)), "out_of_descriptors", ASKED)
    assert (exchange.status, b"Retry-After: 1" in exchange.answers[0][1]) == (503, True)
    assert "Too many open files" in record.fault


def test_another_error_of_the_system_is_a_fault(house, fake_scorer):
    refused(house(POLICY, scorer=fake_scorer(OSError(errno.EIO, "Input/output error"))), "internal", ASKED)


def test_a_fault_is_told_with_its_place_and_its_cause(house, fake_scorer):
    fault = caused(ValueError("no vector"), KeyError("shape"))
    _, record = refused(house(POLICY, scorer=fake_scorer(fault)), "internal", ASKED)
    place = r"ValueError: no vector, at gateway/\w+\.py:\d+ in .*:\d+, caused by KeyError: 'shape'"
    assert re.fullmatch(place, record.fault)


def test_a_model_that_refuses_in_time_is_believed(house):
    failure = Failure(Reason.OVERLOADED, "too many texts wait for the model: try again soon")
    exchange, record = refused(house(POLICY, failure), "overloaded", ASKED)
    assert b"Retry-After: 1" in exchange.answers[0][1]
    assert record.fault == ""


def test_intents_without_a_scorer_refuse(house):
    served = house(POLICY)
    served.live.generation = Generation(POLICY, None)
    _, record = refused(served, "internal", ASKED)
    assert "no intents" in record.fault


def test_a_fault_while_reading_the_body_refuses(house):
    refused(house(POLICY), "internal", post(b"{}")[0], object())


def test_an_upstream_that_fails_before_its_response(house, fake_forwarder):
    failure = Failure(Reason.UPSTREAM_UNREACHABLE, "the upstream cannot be reached")
    served = house(POLICY, MEANS_FINANCE, forwarder=fake_forwarder(failure, responds=False))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == record.verdict == "upstream_unreachable"
    assert (record.status, record.route, record.principal.agent) == (502, "finance", "finance-bot")
    assert not exchange.aborted
    assert record.ended is Ended.UPSTREAM_FAILED


@pytest.mark.parametrize(
    "script", [RuntimeError("broken off"), Failure(Reason.UPSTREAM_TIMEOUT, "too late"), ConnectionResetError()]
)
def test_a_response_that_was_begun_is_cut_and_never_made_to_look_complete(house, fake_forwarder, script):
    served = house(POLICY, MEANS_FINANCE, forwarder=fake_forwarder(script))
    exchange, record = served.serve(ASKED)
    assert exchange.aborted
    assert exchange.answers == []
    assert record.ended is Ended.TRUNCATED
    assert (record.status, record.route) == (200, "finance")


def test_a_fault_of_the_forwarder_before_a_response(house, fake_forwarder):
    served = house(POLICY, MEANS_FINANCE, forwarder=fake_forwarder(ValueError("secret"), responds=False))
    exchange, record = served.serve(ASKED)
    assert exchange.error["code"] == "internal"
    assert "secret" not in str(exchange.answers)
    assert record.fault.startswith("ValueError: secret, at gateway/handle.py:")


def test_how_a_forwarded_exchange_ended_is_recorded(house, fake_forwarder):
    outcome = Outcome(Ended.TRUNCATED, 0.5, "the upstream closed in mid-body")
    served = house(POLICY, MEANS_FINANCE, forwarder=fake_forwarder(outcome=outcome))
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

        served = house(POLICY, MEANS_FINANCE)
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
