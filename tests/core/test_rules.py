"""Rules have stable ids and a sentence, and every reason has a rule."""

import re

import pytest

from aimux.core.reason import Reason
from aimux.core.rules import RULE_BY_ID, RULE_OF_FAILURE, Rule, sentence

# Scripts, alerts and stored records hold these. An id may be added; none changes or goes.
IDS = [
    "access.anonymous",
    "access.group",
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
    "operator.configuration",
    "operator.cross_site",
    "operator.required",
    "operator.role",
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
    "route.names_differ",
    "route.no_intents",
    "route.part_differs",
    "route.parts_differ",
    "route.unknown_model",
    "route.unknown_name",
    "state.unavailable",
    "text.illegible",
    "text.missing",
    "text.token_ids",
    "text.too_long",
    "upstream.invalid",
    "upstream.redirect",
    "upstream.timeout",
    "upstream.unreachable",
]

# By which rule whatever is raised for a reason is refused. A reason may be added; none gets another rule.
OF_FAILURES = {
    "bad_request": "request.unreadable",
    "identity_malformed": "identity.malformed",
    "identity_conflict": "identity.conflict",
    "no_text": "text.missing",
    "unknown_agent": "identity.unknown_agent",
    "proof_required": "identity.proof_required",
    "proof_expired": "identity.proof_expired",
    "operator_required": "operator.required",
    "operator_forbidden": "operator.role",
    "cross_site": "operator.cross_site",
    "configuration_refused": "operator.configuration",
    "state_unavailable": "state.unavailable",
    "route_forbidden": "access.not_listed",
    "anonymous_forbidden": "access.anonymous",
    "guard_refused": "guard.refused",
    "management_forbidden": "management.guarded",
    "no_route": "route.unknown_name",
    "not_found": "management.unknown_page",
    "method_not_allowed": "request.method",
    "request_timeout": "request.timeout",
    "ambiguous_route": "route.ambiguous",
    "body_too_large": "request.body_too_large",
    "text_too_long": "text.too_long",
    "target_too_long": "request.target_too_long",
    "unsupported_encoding": "request.encoding",
    "unsupported_media_type": "request.media_type",
    "headers_too_large": "request.headers_too_large",
    "internal": "internal.fail_closed",
    "upgrade_unsupported": "request.upgrade",
    "upstream_unreachable": "upstream.unreachable",
    "upstream_invalid": "upstream.invalid",
    "redirect_refused": "upstream.redirect",
    "overloaded": "gateway.overloaded",
    "out_of_descriptors": "gateway.out_of_descriptors",
    "not_ready": "gateway.not_ready",
    "draining": "gateway.draining",
    "upstream_timeout": "upstream.timeout",
}


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
    assert OF_FAILURES.items() <= {reason.code: rule.id for reason, rule in RULE_OF_FAILURE.items()}.items()
