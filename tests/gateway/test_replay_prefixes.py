"""Recorded requests whose path a prefix begins, in the old configuration, the new one, or both."""

from dataclasses import replace

import pytest

from aimux.audit.decisions import Decided
from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.rules import Rule
from aimux.gateway.replay import Basis, Replay, Unjudged
from aimux.gateway.rescoring import Version

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
RED, BLUE = (Route(name, UPSTREAM, Access.OPEN, intents=(name,)) for name in ("red", "blue"))
NOTHING = {"dialect": "", "text": None, "text_digest": None, "score": None, "scores": ()}
RECORD = Decided(
    **{"time": 1.0, "request_id": "a" * 32, "agent": "ant", "identity": "claimed", "route": "red", **NOTHING},
    verdict="forward",
    rule=Rule.ACCESS_OPEN,
    says="",
    config="0" * 64,
    model="m" * 64,
    method="GET",
    path="/red/x",
    chosen_by="prefix",
)
DIFFERED = replace(RECORD, verdict="bad_request", rule=Rule.ROUTE_NAMES_DIFFER, route=None, chosen_by=None)


def version(red=None, blue=None, digest="1" * 64, **options):
    routes = replace(RED, prefix=red, **options.pop("of_red", {})), replace(BLUE, prefix=blue)
    return Version(Policy.of(routes, digest=digest, agents=("ant",), **options), 8, "m" * 64)


OLD = version("/red", digest="0" * 64)


def judged(record, new, old=OLD):
    def unread(_):
        raise AssertionError("nothing is to be read")

    found = Replay(new, {} if old is None else {record.config: old}, unread).judge(record)
    return found if isinstance(found, Unjudged) else (found.verdict, found.route, found.basis)


def test_a_prefix_that_stays_names_its_route_as_a_name_does():
    for old in (OLD, None):
        assert judged(RECORD, version("/red"), old) == ("forward", "red", Basis.EXACT)
        shut = version("/red", of_red={"access": Access.RESTRICTED})
        assert judged(RECORD, shut, old) == ("route_forbidden", None, Basis.EXACT)


def test_a_prefix_that_is_another_routes_now():
    # The header may have named the old route too, which would be refused then.
    assert judged(RECORD, version(None, "/red")) is Unjudged.NAMING


def test_a_prefix_that_is_gone():
    assert judged(RECORD, version()) is Unjudged.BODY


def test_a_prefix_that_is_new():
    named = replace(RECORD, chosen_by="name", path="/red/x")
    before = version(digest="0" * 64)
    assert judged(named, version("/red"), before) == ("forward", "red", Basis.EXACT)
    assert judged(named, version(None, "/red"), before) == ("bad_request", None, Basis.EXACT)
    by_text = replace(named, chosen_by="text", score=0.5, scores=(("red", 0.5), ("blue", 0.1)))
    assert judged(by_text, version(None, "/red"), before) == ("forward", "blue", Basis.EXACT)
    assert judged(replace(named, path="/%72ed/x"), version("/red"), before) == ("bad_request", None, Basis.EXACT)


def test_names_that_differed_still_do_where_the_prefix_is_the_same():
    assert judged(DIFFERED, version("/red")) == ("bad_request", None, Basis.EXACT)
    # What the header named is not recorded.
    for new, old in ((version(), OLD), (version(None, "/red"), OLD), (version("/red"), None)):
        assert judged(DIFFERED, new, old) is Unjudged.ROUTE_NAME


def test_what_a_guard_refused_behind_a_prefix_named_no_other_route():
    guard = Guard("g", ("kill",), 0.5)
    old = version("/red", digest="0" * 64, guards=(guard,))
    refused = replace(RECORD, verdict="guard_refused", rule=Rule.GUARD_REFUSED, route=None, chosen_by=None)
    refused = replace(refused, text="kill...", text_digest="d" * 64, dialect="query")
    assert judged(refused, version("/red", guards=(guard,)), old) == ("guard_refused", None, Basis.EXACT)
    assert judged(refused, version("/red"), old) == ("forward", "red", Basis.EXACT)


LISTED = replace(
    RECORD, verdict="answered", rule=Rule.GATEWAY_MODELS, route=None, chosen_by=None, path="/v1/models", config="0" * 64
)


def giving_up(made):
    return replace(made, policy=replace(made.policy, gives_up_models=True))


def test_the_list_of_models_is_answered_unless_the_header_may_have_named_a_route():
    assert judged(LISTED, version("/red")) == ("answered", None, Basis.EXACT)
    assert judged(LISTED, giving_up(version("/red")), giving_up(OLD)) == ("answered", None, Basis.EXACT)
    assert judged(LISTED, giving_up(version("/red"))) is Unjudged.NAMING


@pytest.mark.parametrize(("path", "becomes"), [("/v1/models", "answered"), ("/v1/other", "forward")])
def test_a_route_that_was_named_for_models_is_not_reached_where_the_gateway_answers_them(path, becomes):
    named = replace(RECORD, chosen_by="name", path=path)
    verdict, _, _ = judged(named, version(), giving_up(version(digest="0" * 64)))
    assert verdict == becomes
