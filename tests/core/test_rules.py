"""Rules have stable ids and a sentence, and every reason has a rule."""

import re

import pytest

from aimux.core.reason import Reason
from aimux.core.rules import RULE_BY_ID, RULE_OF_FAILURE, Rule, sentence

# Scripts, alerts and stored records hold these. An id may be added; none changes or goes.
IDS = [
    "access.anonymous",
    "access.listed",
    "access.not_listed",
    "access.open",
    "access.public",
    "gateway.draining",
    "gateway.models",
    "gateway.not_ready",
    "gateway.out_of_descriptors",
    "gateway.overloaded",
    "gateway.preflight",
    "guard.refused",
    "guard.unheard",
    "guard.unread",
    "identity.conflict",
    "identity.malformed",
    "identity.proof_expired",
    "identity.proof_required",
    "identity.unknown_agent",
    "internal.fail_closed",
    "management.guarded",
    "management.unknown_page",
    "request.body_too_large",
    "request.encoding",
    "request.headers_too_large",
    "request.media_type",
    "request.method",
    "request.target_too_long",
    "request.timeout",
    "request.unreadable",
    "request.upgrade",
    "route.ambiguous",
    "route.below_min_score",
    "route.list_differs",
    "route.no_intents",
    "route.part_differs",
    "route.parts_differ",
    "route.unknown_model",
    "route.unknown_name",
    "text.illegible",
    "text.missing",
    "text.token_ids",
    "text.too_long",
    "upstream.invalid",
    "upstream.redirect",
    "upstream.timeout",
    "upstream.unreachable",
]


def test_no_id_goes_or_changes():
    assert set(IDS) <= {rule.id for rule in Rule}


def test_ids_are_unique_and_of_one_form():
    assert len(RULE_BY_ID) == len(Rule)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", rule.id) for rule in Rule)


@pytest.mark.parametrize("rule", Rule)
def test_a_sentence_is_filled_in(rule):
    said = sentence(rule, route="finance", agent="ant", guard="secrets")
    assert said
    assert "{" not in said
    for name, value in (("{route}", "finance"), ("{caller}", "agent 'ant'"), ("{guard}", "secrets")):
        assert (value in said) == (name in rule.sentence)
    assert "{caller}" not in rule.sentence or "an anonymous caller" in sentence(rule, route="finance")


def test_every_reason_has_a_rule():
    assert set(RULE_OF_FAILURE) == set(Reason)
