"""What requests are decided by, made from a configuration."""

from collections.abc import Callable

import pytest

from aimux.app.settings import cors, timeouts, upstream_limits
from aimux.config.compile import compile_policy
from aimux.config.load import Loaded
from aimux.config.schema import Config, FallbackConfig, RouteConfig
from aimux.core.policy import Access, Redirects, Timeouts

Read = Callable[..., Loaded]


def test_access_follows_from_allowed(read: Read) -> None:
    loaded = read(
        "agents: [a, b]\n"
        "routes:\n"
        "- {name: open, upstream: http://x}\n"
        "- {name: public, upstream: http://x, allowed: ['*']}\n"
        "- {name: listed, upstream: http://x, allowed: [a]}\n"
        "- {name: nobody, upstream: http://x, allowed: []}\n"
        "fallback: {upstream: http://x, allowed: [b]}\n"
    )
    assert [(r.access, r.allowed) for r in loaded.policy.routes] == [
        (Access.OPEN, frozenset()),
        (Access.PUBLIC, frozenset()),
        (Access.RESTRICTED, {"a"}),
        (Access.RESTRICTED, frozenset()),
    ]
    fallback = loaded.policy.fallback
    assert fallback is not None
    assert (fallback.access, fallback.allowed, fallback.intents) == (Access.RESTRICTED, {"b"}, ())


def test_a_star_beside_names_never_opens_a_route() -> None:
    config = Config(agents=("a",), routes=(RouteConfig(name="r", upstream="http://x", allowed=("*", "a")),))
    (route,) = compile_policy(config, "d").routes
    assert (route.access, route.allowed) == (Access.RESTRICTED, {"a"})


def test_a_route_may_have_its_own_threshold(read: Read) -> None:
    loaded = read(
        "semantic_engine: {min_score: 0.3, ambiguity_threshold: 0.2}\n"
        "routes:\n"
        "- {name: a, upstream: http://x}\n"
        "- {name: b, upstream: http://x, min_score: 0.9}\n"
        "- {name: c, upstream: http://x, min_score: 0}\n"
    )
    assert [r.min_score for r in loaded.policy.routes] == [0.3, 0.9, 0.0]
    assert loaded.policy.ambiguity_threshold == 0.2


def test_identity_places_arrive_with_headers_in_small_letters(read: Read) -> None:
    loaded = read(
        "fallback: {upstream: http://x}\n"
        "identity: {query_params: [], headers: [X-Who, authorization], body_field: null}\n"
    )
    identity = loaded.policy.identity
    assert (identity.query_params, identity.headers, identity.body_field) == ((), ("x-who", "authorization"), None)


def test_without_certificates_of_its_own_an_upstream_has_none(read: Read) -> None:
    (route,) = read("routes: [{name: a, upstream: https://x}]\n").policy.routes
    assert route.upstream.secure
    assert route.upstream.ca_file is None


def test_scores_are_needed_only_where_a_route_has_intents() -> None:
    plain = Config(routes=(RouteConfig(name="r", upstream="http://x"),), fallback=FallbackConfig(upstream="http://y"))
    assert not compile_policy(plain, "").needs_scores
    with_intents = Config(routes=(RouteConfig(name="r", upstream="http://x", intents=("a",)),))
    assert compile_policy(with_intents, "").needs_scores


def test_a_route_may_have_its_own_way_with_redirects(read: Read) -> None:
    text = (
        "routes:\n- {name: a, upstream: http://x}\n- {name: b, upstream: http://x, redirects: pass}\n"
        "fallback: {upstream: http://x, redirects: rewrite}\n"
    )
    for more, others in (("", Redirects.REWRITE), ("upstreams: {redirects: pass}\n", Redirects.PASS)):
        policy = read(text + more).policy
        assert [route.redirects for route in policy.routes] == [others, Redirects.PASS]
        assert policy.fallback is not None
        assert policy.fallback.redirects is Redirects.REWRITE


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("HTTPS://App.Example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("*", "*"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(read: Read, written: str, origin: str) -> None:
    config = read(f"fallback: {{upstream: http://x}}\nserver: {{cors: {{origins: ['{written}']}}}}\n").config
    found = cors(config)
    assert found is not None
    assert (found.origins, found.headers, found.max_age) == (frozenset({origin}), ("*",), 600)


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("", "http://127.0.0.1:8080"),
        ("{port: 9000}", "http://127.0.0.1:9000"),
        ("{host: 0.0.0.0}", "http://127.0.0.1:8080"),
        ("{host: '::'}", "http://[::1]:8080"),
        ("{host: '::1', port: 80}", "http://[::1]:80"),
        ("{host: gateway.example}", "http://gateway.example:8080"),
        ("{port: 0}", "http://127.0.0.1:PORT"),
    ],
)
def test_hints_name_where_callers_on_this_machine_find_the_gateway(read: Read, server: str, address: str) -> None:
    assert read(f"fallback: {{upstream: http://x}}\nserver: {server}\n").policy.address == address


def test_timeouts_are_the_routes_own_or_those_of_all_upstreams(read: Read) -> None:
    loaded = read(
        "upstreams: {connect_timeout: 1, response_timeout: 2, idle_timeout: 3, keepalive_timeout: 4}\n"
        "routes: [{name: a, upstream: http://x}, {name: b, upstream: http://x, response_timeout: 20}]\n"
        "fallback: {upstream: http://x, response_timeout: 0.5}\n"
    )
    assert [r.timeouts for r in loaded.policy.routes] == [Timeouts(1, 2, 3, 4), Timeouts(1, 20, 3, 4)]
    assert loaded.policy.fallback is not None
    assert loaded.policy.fallback.timeouts == Timeouts(1, 0.5, 3, 4)


def test_where_nothing_is_written_a_response_may_take_ten_minutes(read: Read) -> None:
    (route,) = read("routes: [{name: a, upstream: http://x}]\n").policy.routes
    assert route.timeouts == Timeouts(5, 600, 300, 4)


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("fallback: {upstream: http://x}\n", 4),
        ("fallback: {upstream: http://x, response_timeout: 0.5}\n", 0.5),
        ("routes: [{name: a, upstream: http://x, response_timeout: 0.25}]\n", 0.25),
        ("fallback: {upstream: http://x}\nserver: {sse_keepalive: 2}\n", 2),
        ("fallback: {upstream: http://x}\nserver: {sse_keepalive: 0}\n", 4),
    ],
)
def test_the_shortest_of_all_timeouts_is_known(read: Read, text: str, shortest: float) -> None:
    assert min(timeouts(read(text).config)) == shortest


@pytest.mark.parametrize(("written", "seconds"), [("null", None), ("0", None), ("0.5", 0.5)])
def test_comments_on_event_streams_are_off_unless_seconds_are_named(
    read: Read, written: str, seconds: float | None
) -> None:
    loaded = read(f"fallback: {{upstream: http://x}}\nserver: {{sse_keepalive: {written}}}\n")
    assert upstream_limits(loaded.config).sse_keepalive == seconds
