"""Records of older versions name their rule by its sentence alone, which is mapped where that can be done."""

import pytest

from aimux.audit.format.old_rules import rule_of
from aimux.core.reason import Reason
from aimux.core.rules import RULE_OF_FAILURE, Rule, sentence

PARTS = (
    "a part of what is said stands for route 'admin' (0.6200)",
    "characters 4 to 9 of the text stand for route 'admin' (0.8000)",
)
OLD = [
    ("route 'a' is open", "forward", Rule.ACCESS_OPEN),
    ("route 'finance-2' lists agent 'finance_bot'", "forward", Rule.ACCESS_LISTED),
    (f"route 'fallback' allows any registered agent; {PARTS[0]}", "fallback", Rule.ACCESS_PUBLIC),
    ("route 'a' is restricted and does not allow agent 'b'", "route_forbidden", Rule.ACCESS_NOT_LISTED),
    ("route 'a' is restricted and does not allow an anonymous caller", "anonymous_forbidden", Rule.ACCESS_ANONYMOUS),
    (f"route 'a' is public and does not allow an anonymous caller; {PARTS[1]}", "x", Rule.ACCESS_ANONYMOUS),
    ("a part of the text stands for another route than the whole", "ambiguous_route", Rule.ROUTE_PART_DIFFERS),
    (
        f"parts of the text stand for several routes, and the whole for none: {PARTS[1]}",
        "ambiguous_route",
        Rule.ROUTE_PARTS_DIFFER,
    ),
    ("what is said is scored whole or not at all", "text_too_long", Rule.TEXT_TOO_LONG),
    ("a text is scored whole or not at all", "text_too_long", Rule.TEXT_TOO_LONG),
    ("a request needs a text or a named route", "no_text", Rule.TEXT_MISSING),
    ("a request must be readable in one way only", "bad_request", Rule.REQUEST_UNREADABLE),
    ("a request must be readable in one way only", "identity_malformed", Rule.IDENTITY_MALFORMED),
    ("a request must be readable in one way only", "headers_too_large", Rule.REQUEST_HEADERS_TOO_LARGE),
    ("a fault refuses", "internal", Rule.INTERNAL_FAIL_CLOSED),
    ("a fault refuses", "out_of_descriptors", Rule.GATEWAY_OUT_OF_DESCRIPTORS),
    ("draining", "draining", Rule.GATEWAY_DRAINING),
]


@pytest.mark.parametrize(("said", "verdict", "rule"), OLD)
def test_the_sentences_of_older_versions_are_known(said: str, verdict: str, rule: Rule) -> None:
    assert rule_of(said, verdict) is rule


@pytest.mark.parametrize("reason", Reason)
def test_a_code_in_the_place_of_a_sentence_is_its_reason_s_rule(reason: Reason) -> None:
    # Whoever replays a request that was forwarded and failed then takes `forward` for its verdict.
    for verdict in (reason.code, "forward", "fallback"):
        assert rule_of(reason.code, verdict) is RULE_OF_FAILURE[reason]


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule is not Rule.REQUEST_UNREADABLE])
def test_today_s_sentences_are_known_too(rule: Rule) -> None:
    assert rule_of(sentence(rule, route="a", agent="b", guard="c"), "") is rule


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("", "client_left"),
        ("a rule of another product", "forward"),
        ("a fault refuses", "of_another_version"),
        ("route 'a' is open, and more", "forward"),
        ("route 'a' is restricted and does not allow agent 'b'; or so", "route_forbidden"),
    ],
)
def test_what_cannot_be_mapped_is_said_to_be_unknown(said: str, verdict: str) -> None:
    assert rule_of(said, verdict) is None
