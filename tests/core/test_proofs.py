"""Who asks, where the request brings proof: the strongest counts, claims beside it grant nothing, and time passes."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.decision import Permit, decide
from aimux.core.gates import identify
from aimux.core.identity import Agent, Assurance, Claim, Evidence, Place, Principal, Proof, Proven
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, NeedProof, Reading
from aimux.core.standing import INITIAL

ROUTE = Route("vault", Upstream("http://up:1", False, "up", 1, ""), Access.RESTRICTED, frozenset({"ant", "bee"}))
AGENTS = (
    Agent("ant", frozenset({Assurance.TOKEN, Assurance.BOUND})),
    Agent("bee"),
    Agent("cat", frozenset({Assurance.CLAIMED, Assurance.BOUND})),
)
POLICY = Policy.of((ROUTE,), agents=AGENTS)
KEY = Evidence(Proof.API_KEY, Place.HEADER, b"aimux_secret")
NOW = 1_000.0


def facts(*proven, claims=(), body=SILENT, known=True):
    said = tuple(Claim(place, "agent", name) for place, name in claims)
    at = [claim for claim in said if claim.place is Place.BODY]
    head = Reading(tuple(claim for claim in said if claim.place is not Place.BODY))
    found = Facts(
        head, route_name="vault", now=NOW, evidence=(KEY,), body=replace(body, claims=tuple(at)) if body else None
    )
    if known:
        found.learn(NeedProof((KEY,)), proven)
    return found


def reason(found):
    assert isinstance(found, Refusal)
    return found.reason


def test_evidence_is_verified_before_anything_else_is_learnt():
    found = facts(body=None, known=False)
    assert identify(found, POLICY) == NeedProof((KEY,))
    found.learn(NeedProof((KEY,)), (Proven("ant", Proof.API_KEY),))
    assert identify(found, POLICY) == Principal("ant", Assurance.TOKEN, Proof.API_KEY)
    assert isinstance(decide(found, POLICY, INITIAL), Permit)


def test_the_material_of_evidence_is_never_shown():
    assert "secret" not in repr(KEY) + repr(facts())


@pytest.mark.parametrize("proof", Proof)
def test_each_proof_gives_its_assurance_and_only_what_the_agent_accepts_counts(proof):
    for agent in AGENTS:
        found = identify(facts(Proven(agent.name, proof)), POLICY)
        if proof.assurance in agent.accepts:
            assert found == Principal(agent.name, proof.assurance, proof)
        else:
            assert reason(found) is Reason.PROOF_REQUIRED


def test_a_bare_claim_is_nobody_s_who_must_prove_it():
    claimed = Facts(Reading((Claim(Place.HEADER, "x", "ant"),)), body=SILENT)
    assert reason(identify(claimed, POLICY)) is Reason.PROOF_REQUIRED
    # Evidence that is somebody else's, such as a provider's key, proves nothing and takes nothing away.
    assert reason(identify(facts(claims=[(Place.HEADER, "ant")]), POLICY)) is Reason.PROOF_REQUIRED
    assert identify(facts(claims=[(Place.HEADER, "bee")]), POLICY) == POLICY.claimed["bee"]


def test_claims_beside_a_proof_conflict_in_a_header_and_are_noted_elsewhere():
    proven = Proven("ant", Proof.JWT)
    assert identify(facts(proven, claims=[(Place.HEADER, "ant")]), POLICY) == Principal(
        "ant", Assurance.TOKEN, Proof.JWT
    )
    assert reason(identify(facts(proven, claims=[(Place.HEADER, "bee")]), POLICY)) is Reason.IDENTITY_CONFLICT
    for place in (Place.QUERY, Place.BODY):
        found = identify(facts(proven, claims=[(place, "bee")]), POLICY)
        assert isinstance(found, Principal)
        assert (found.agent, found.conflicts) == ("ant", (Claim(place, "agent", "bee"),))


def test_a_proof_never_makes_a_body_be_read():
    assert isinstance(identify(facts(Proven("ant", Proof.JWT), body=None), POLICY), Principal)


def test_two_proofs_count_as_the_stronger_and_conflict_where_they_are_of_two_agents():
    token, bound = Proven("ant", Proof.JWT), Proven("ant", Proof.MTLS)
    assert identify(facts(token, bound), POLICY) == Principal("ant", Assurance.BOUND, Proof.MTLS)
    assert reason(identify(facts(token, Proven("cat", Proof.MTLS)), POLICY)) is Reason.IDENTITY_CONFLICT


def test_a_proof_that_is_not_accepted_takes_nothing_from_one_that_is():
    policy = Policy.of((ROUTE,), agents=(Agent("ant", frozenset({Assurance.TOKEN})),))
    both = facts(Proven("ant", Proof.MTLS), Proven("ant", Proof.JWT))
    assert identify(both, policy) == Principal("ant", Assurance.TOKEN, Proof.JWT)


@pytest.mark.parametrize("accepts", [(), (Assurance.NONE,), (Assurance.NONE, Assurance.BOUND)])
def test_an_agent_accepts_some_assurance(accepts):
    with pytest.raises(ValueError, match="must accept some assurance"):
        Agent("ant", frozenset(accepts))


def test_a_proof_of_somebody_who_is_no_agent_is_refused():
    assert reason(identify(facts(Proven("stranger", Proof.JWT)), POLICY)) is Reason.UNKNOWN_AGENT


@given(st.floats(0, 2 * NOW) | st.sampled_from((NOW, math.nan)))
def test_a_proof_holds_until_it_expires(expires):
    found = identify(facts(Proven("ant", Proof.JWT, expires=expires)), POLICY)
    assert isinstance(found, Principal) if expires > NOW else reason(found) is Reason.PROOF_EXPIRED


def test_where_the_moment_is_not_told_what_expires_has_expired():
    proven = Proven("ant", Proof.JWT, expires=10 * NOW)
    for when, holds in ({}, False), ({"now": NOW}, True):
        found = identify(Facts(SILENT, evidence=(KEY,), proven=(proven,), **when), POLICY)
        assert isinstance(found, Principal) is holds


def test_each_proof_must_hold_and_not_the_strongest_alone():
    stale = Proven("ant", Proof.JWT, expires=NOW - 1)
    assert reason(identify(facts(Proven("ant", Proof.MTLS), stale), POLICY)) is Reason.PROOF_EXPIRED


def test_what_a_header_says_beside_a_proof_must_be_a_name():
    found = facts(Proven("ant", Proof.JWT), claims=[(Place.HEADER, None)])
    assert reason(identify(found, POLICY)) is Reason.IDENTITY_CONFLICT


def test_a_fact_is_learnt_once():
    found = facts(Proven("ant", Proof.JWT))
    with pytest.raises(ValueError, match="learnt once"):
        found.learn(NeedProof((KEY,)), (Proven("bee", Proof.JWT),))
    assert found.proven == (Proven("ant", Proof.JWT),)


def test_assurances_are_ordered_and_have_the_words_of_the_configuration():
    assert [each.word for each in sorted(Assurance)] == ["none", "claimed", "token", "bound"]
