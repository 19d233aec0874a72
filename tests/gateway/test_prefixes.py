"""Routes addressed by a prefix, through the whole line: who may, what is recorded, what a new generation changes."""

import asyncio
from dataclasses import replace

import pytest
from gateway_support.asking import ADMIN, FINANCE, MEANS_ADMIN, MEANS_FINANCE, OPEN, POLICY, post, refused

from aimux.core.identity import ANONYMOUS
from aimux.core.paths import parse_pattern
from aimux.core.policy import Guard, Policy
from aimux.core.request import ChosenBy
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.gateway.live import Generation
from aimux.wire.heads import HeadReader
from aimux.wire.http1 import HeadLimits

ROUTES = replace(FINANCE, prefix="/finance"), replace(ADMIN, prefix="/finance/admin"), replace(OPEN, prefix="/open")
AGENTS = frozenset({"finance-bot", "admin-bot"})
PREFIXED = Policy.of(ROUTES, agents=AGENTS, fallback=POLICY.fallback)


def ask(target, *lines):
    return b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: x", *lines, b"", b""))


def test_a_prefix_names_its_route(house):
    served = house(PREFIXED, RuntimeError("not asked"))
    exchange, record = served.serve(ask(b"/finance/v1/x?client_id=finance-bot&q=delete+users"))
    ((permit, forwarded, _),) = served.forwarder.calls
    assert (permit.route.name, permit.chosen_by) == ("finance", ChosenBy.PREFIX)
    assert forwarded.head.target == b"/v1/x?client_id=finance-bot&q=delete+users"
    assert (record.path, record.route, record.chosen_by) == ("/finance/v1/x", "finance", ChosenBy.PREFIX)
    assert exchange.body_reads == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [(b"?client_id=admin-bot", "route_forbidden"), (b"", "anonymous_forbidden"), (b"?agent=x", "unknown_agent")],
)
def test_it_grants_nothing(house, query, code):
    _, record = refused(house(PREFIXED), code, ask(b"/finance/x" + query))
    assert record.path == "/finance/x"


def test_a_guard_hears_what_comes_by_it(house):
    guarded = Policy.of(ROUTES, agents=AGENTS, guards=(Guard("g", ("kill",), 0.5),))
    scores = Scores((0.0, 0.0, None), guards=(0.9,))
    _, record = refused(house(guarded, scores), "guard_refused", ask(b"/open/x?q=kill"))
    assert record.guard == "g"


@pytest.mark.parametrize("named", [b"admin", b"open", b"fallback", b"nowhere"])
def test_header_and_prefix_that_differ(house, named):
    header = b"X-AIMux-Route: " + named
    exchange, record = refused(house(PREFIXED), "bad_request", ask(b"/finance/x?client_id=finance-bot", header))
    assert (record.rule, record.route, record.principal.agent) == (Rule.ROUTE_NAMES_DIFFER, None, "finance-bot")
    assert "different routes" in exchange.error["message"]


def test_header_and_prefix_that_agree(house):
    served = house(PREFIXED)
    _, record = served.serve(ask(b"/open/x", b"X-AIMux-Route: open"))
    assert (record.verdict, record.chosen_by, record.principal) == ("forward", ChosenBy.PREFIX, ANONYMOUS)


def test_another_spelling_is_refused_and_recorded_as_it_came(house):
    _, record = refused(house(PREFIXED), "bad_request", ask(b"/%66inance/x?client_id=finance-bot&q=analyze"))
    assert (record.path, record.rule, record.route) == ("/%66inance/x", Rule.REQUEST_UNREADABLE, None)


def test_what_no_prefix_begins_is_judged_as_ever(house):
    served = house(PREFIXED, MEANS_FINANCE)
    _, record = served.serve(ask(b"/finances?q=analyze+budget&client_id=finance-bot"))
    assert (record.route, record.chosen_by) == ("finance", ChosenBy.TEXT)
    served = house(PREFIXED, MEANS_ADMIN)
    refused(served, "route_forbidden", ask(b"/FINANCE/x?q=delete+users&client_id=finance-bot"))


def test_the_action_is_that_of_the_path_behind_it(house):
    served = house(PREFIXED)
    _, record = served.serve(*post(b'{"model": "m", "messages": []}', target=b"/open/v1/chat/completions"))
    assert (record.action.protocol, record.action.method) == ("openai", "chat.completions")


def test_a_document_of_a_path_is_no_action_of_what_lies_there(house):
    _, record = house(PREFIXED).serve(ask(b"/.well-known/oauth-protected-resource/open/v1/messages"))
    assert (record.verdict, record.route) == ("forward", "open")
    assert (record.action.protocol, record.action.method) == ("plain", "GET")


@pytest.mark.parametrize("name", [b"", b"/gpt-4"])
def test_models_behind_a_prefix_are_the_upstreams(house, name):
    served = house(PREFIXED)
    _, record = served.serve(ask(b"/open/v1/models" + name))
    ((_, exchange, _),) = served.forwarder.calls
    assert (record.verdict, exchange.head.target) == ("forward", b"/v1/models" + name)
    _, record = house(PREFIXED).serve(ask(b"/v1/models"))
    assert record.verdict == "answered"


def test_a_policy_that_gives_the_models_up_answers_where_nothing_else_is_meant(house):
    routes = (replace(FINANCE, prefix="/finance"), OPEN)
    policy = replace(Policy.of(routes, agents=AGENTS), gives_up_models=True)
    assert house(policy).serve(ask(b"/v1/models"))[1].verdict == "answered"
    assert house(policy).serve(ask(b"/v1/models", b"X-AIMux-Route: open"))[1].verdict == "forward"
    claiming = replace(OPEN, paths=(parse_pattern("GET /v1/models"),))
    policy = replace(Policy.of((claiming,)), gives_up_models=True)
    assert house(policy).serve(ask(b"/v1/models"))[1].chosen_by is ChosenBy.PATH
    assert house(Policy.of((claiming,))).serve(ask(b"/v1/models"))[1].verdict == "answered"
    assert house(POLICY).serve(ask(b"/v1/models", b"X-AIMux-Route: open"))[1].verdict == "answered"


def test_a_new_generation_changes_the_next_request(house):
    served, reader = house(PREFIXED), HeadReader(HeadLimits())
    raw = ask(b"/open/admin/x?client_id=admin-bot")

    def routed(policy):
        served.live.replace(Generation(policy, served.scorer))
        exchange, _ = served.serve(raw)  # to have one
        exchange = type(exchange)(raw)
        exchange.head = reader.read(raw)
        asyncio.run(served.gateway.handle(exchange))
        return served.records[-1].route, served.forwarder.calls[-1][1].head.target

    moved = Policy.of((ROUTES[0], replace(ADMIN, prefix="/open/admin")), agents=AGENTS, fallback=POLICY.fallback)
    bare = Policy.of((FINANCE, ADMIN, OPEN), agents=AGENTS, fallback=POLICY.fallback)
    query = b"?client_id=admin-bot"
    for policy, route, path in (
        (PREFIXED, "open", b"/admin/x"),
        (moved, "admin", b"/x"),
        (bare, "fallback", b"/open/admin/x"),
        (PREFIXED, "open", b"/admin/x"),
    ):
        assert routed(policy) == (route, path + query)
