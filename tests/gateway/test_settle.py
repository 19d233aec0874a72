"""The one loop: facts are learnt as they are needed, and what cannot be learnt ends it."""

import asyncio

import pytest

from aimux.core.decision import Permit
from aimux.core.identity import Agent, Assurance, Claim, Evidence, Place, Proof, Proven
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.request import SILENT, Facts, NeedBody, NeedProof, NeedScores, Reading
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL
from aimux.gateway.settle import settle, settle_now

ROUTE = Route("red", Upstream("http://up:1", False, "up", 1, ""), Access.RESTRICTED, frozenset({"ant"}), ("red",))
POLICY = Policy.of((ROUTE,), agents=(Agent("ant", frozenset({Assurance.CLAIMED, Assurance.TOKEN})),))
EVIDENCE = Evidence(Proof.API_KEY, Place.HEADER, b"key")


def answer(need):
    if isinstance(need, NeedProof):
        return (Proven("ant", Proof.API_KEY),)
    if isinstance(need, NeedBody):
        return Reading(text="make it red")
    return Scores((0.9,))


def test_facts_are_learnt_in_the_order_of_need_and_each_once():
    facts, needs = Facts(SILENT, evidence=(EVIDENCE,)), []

    async def learn(need):
        needs.append(need)
        await asyncio.sleep(0)
        return answer(need)

    decision = asyncio.run(settle(facts, POLICY, INITIAL, learn))
    assert isinstance(decision, Permit)
    assert decision.principal.proof is Proof.API_KEY
    assert needs == [NeedProof((EVIDENCE,)), NeedBody(), NeedScores("make it red")]
    assert (facts.proven, facts.body, facts.scores) == tuple(map(answer, needs))


def test_without_waiting_it_is_the_same():
    facts = Facts(SILENT, evidence=(EVIDENCE,))
    assert isinstance(settle_now(facts, POLICY, INITIAL, answer), Permit)


def test_what_cannot_be_learnt_is_raised():
    def learn(_):
        raise LookupError("nobody knows")

    with pytest.raises(LookupError, match="nobody knows"):
        settle_now(Facts(SILENT), POLICY, INITIAL, learn)


def test_nothing_is_learnt_where_nothing_is_needed():
    facts = Facts(Reading((Claim(Place.HEADER, "x", "ant"),)), route_name="red")
    assert isinstance(settle_now(facts, POLICY, INITIAL, pytest.fail), Permit)
