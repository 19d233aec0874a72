"""Before the gateway is ready, while it drains and over a reload; and everybody who observes it is told."""

import asyncio

from gateway_support.asking import ASKED, MEANS_FINANCE, POLICY

from aimux.core.policy import Policy
from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.core.rules import Rule
from aimux.gateway.handle import Gateway, Limits
from aimux.gateway.live import Generation, Live
from aimux.gateway.ports import Outcome


def test_before_it_is_ready_and_while_it_drains_everything_is_refused(house):
    served = house(POLICY, MEANS_FINANCE)
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

        served = house(POLICY, MEANS_FINANCE)
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
        served = house(POLICY, MEANS_FINANCE)
        score = served.scorer.score

        async def swap(text):
            served.live.generation = Generation(Policy.of(()), None)
            return await score(text)

        served.scorer.score = swap
        await served.gateway.handle(fake_exchange(ASKED))
        assert served.records[0].verdict == "forward"
        await served.gateway.handle(fake_exchange(ASKED))
        assert served.records[1].verdict == "unknown_agent"

    asyncio.run(run())


def test_a_head_that_could_not_be_read_is_refused_and_recorded(house, fake_exchange):
    served = house(POLICY)
    exchange = fake_exchange(ASKED)
    served.gateway.reject(exchange, Failure(Reason.HEADERS_TOO_LARGE, "the headers exceed 100 lines"))
    assert exchange.error["code"] == "headers_too_large"
    (record,) = served.records
    assert (record.verdict, record.status, record.rule) == (
        "headers_too_large",
        431,
        Rule.REQUEST_HEADERS_TOO_LARGE,
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
