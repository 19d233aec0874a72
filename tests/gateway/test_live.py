"""The generation in force: leased while the gateway serves, refused before and while it drains."""

import asyncio

import pytest

from aimux.core.policy import Policy
from aimux.core.reason import Failure, Reason
from aimux.gateway.live import Generation, Live

FIRST, SECOND = Generation(Policy.of(()), None), Generation(Policy.of(()), None)


def refused(live):
    with pytest.raises(Failure) as caught:
        live.lease()
    assert caught.value.message
    assert live.refusing is not None
    assert (live.refusing.reason, live.refusing.message) == (caught.value.reason, caught.value.message)
    return caught.value.reason


def test_nothing_is_leased_before_a_generation_is_in_force():
    live = Live()
    assert refused(live) is Reason.NOT_READY
    assert live.in_flight == 0


def test_a_request_keeps_the_generation_that_it_leased():
    live = Live(FIRST)
    assert live.refusing is None
    leased = live.lease()
    live.replace(SECOND)
    assert leased is FIRST
    assert live.lease() is SECOND
    assert live.in_flight == 2


def test_a_replaced_generation_retires_with_the_last_request_that_is_served_by_it():
    retired = []
    first, second, third = (Generation(Policy.of(()), None) for _ in range(3))
    live = Live(first, retire=retired.append)
    live.lease()
    live.lease()
    live.replace(second)
    live.release(first)
    assert retired == []
    live.release(first)
    assert retired == [first]
    live.lease()
    live.release(second)
    assert retired == [first], "what is in force stays, used or not"
    live.replace(third)
    assert retired == [first, second], "nobody was served by it"
    assert live.in_flight == 0


def test_draining_refuses_new_requests_and_waits_for_those_under_way():
    async def run():
        live = Live(FIRST)
        live.lease()
        live.lease()
        draining = asyncio.create_task(live.drain())
        await asyncio.sleep(0)
        assert refused(live) is Reason.DRAINING
        assert live.in_flight == 2
        live.release(FIRST)
        await asyncio.sleep(0)
        assert not draining.done()
        live.release(FIRST)
        await draining
        assert live.in_flight == 0
        assert refused(live) is Reason.DRAINING

    asyncio.run(run())


def test_draining_an_idle_gateway_does_not_wait():
    async def run():
        live = Live(FIRST)
        live.lease()
        live.release(FIRST)
        await live.drain()
        assert refused(live) is Reason.DRAINING
        await live.drain()

    asyncio.run(run())


def test_draining_before_anything_was_ready_says_draining():
    async def run():
        live = Live()
        await live.drain()
        assert refused(live) is Reason.DRAINING

    asyncio.run(run())


def test_while_something_stands_in_the_way_nothing_is_leased():
    live = Live(FIRST)
    live.lease()
    live.obstacles["log"] = "the disk is full"
    live.obstacles["audit"] = "that one too"
    assert refused(live) is Reason.NOT_READY
    assert live.refusing.message == "the disk is full"
    del live.obstacles["log"]
    assert live.refusing.message == "that one too"
    del live.obstacles["audit"]
    live.lease()
    assert live.in_flight == 2
