"""Prefixes of routes: what is compiled of them, and what does not fit together."""

from collections.abc import Callable

import pytest

from aimux.config.load import Loaded
from aimux.config.problem import Problem

Problems = Callable[..., tuple[Problem, ...]]
ROUTES = """
routes:
  - name: files
    upstream: http://files:1
    prefix: /files
  - name: other
    upstream: http://other:1
    {more}
"""
TOKEN = "correct-horse-battery-staple"


def test_prefixes_are_compiled(read: Callable[..., Loaded]) -> None:
    policy = read(ROUTES.replace("{more}", "prefix: /files/private")).policy
    assert [route.prefix for route in policy.routes] == ["/files", "/files/private"]
    assert policy.prefixes is not None
    found = [policy.prefixes.find(path) for path in (b"/files/x", b"/files/private/x", b"/x")]
    assert [each and each.route for each in found] == ["files", "other", None]


def test_without_prefixes_there_is_no_table(read: Callable[..., Loaded]) -> None:
    assert read('routes: [{name: a, upstream: "http://a:1"}]').policy.prefixes is None


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("prefix: /files", 8, ('the prefix "/files" stands on line 5 already; ', "a prefix of its own")),
        ("prefix: /Files", 8, ('"/Files" stands on line 5 already as "/files"', "a prefix of its own")),
        ("prefix: files", 8, ("is no prefix of a path", "as in /files")),
        ("prefix: /files/", 8, ("is no prefix of a path", "without a slash at its end")),
        ("prefix: /.well-known/x", 8, ("is no prefix of a path", "without .well-known")),
        ("prefix: /a/../b", 8, ("is no prefix of a path", "without the segments")),
        ("prefix: /v1", 8, ("would take /v1/models", "choose another prefix")),
        ("prefix: /v1/models", 8, ("would take /v1/models", "choose another prefix")),
        ("prefix: /v1/models/x", 8, ("would take /v1/models", "choose another prefix")),
        ("prefix: /metrics", 8, ("would take /metrics", "choose another prefix")),
        ("prefix: /audit", 8, ("would take /audit", "choose another prefix")),
        ("prefix: /dashboard/x", 8, ("would take /dashboard", "choose another prefix")),
        ('paths: ["GET /files/x"]', 8, ('"GET /files/x" claims nothing', '"/files" on line 5', "remove it")),
        ('paths: ["GET /files/*"]', 8, ('"GET /files/*" claims nothing', "remove it")),
        (
            'paths: ["GET /.well-known/oauth-protected-resource/files/x"]',
            8,
            ("claims nothing", '"/files" on line 5', "remove it"),
        ),
        ('paths: ["GET /%66iles/x"]', 8, ('"GET /%66iles/x" claims nothing', "is refused", "remove it")),
        ('paths: ["GET /.well-known/agent-card.json/files/*"]', 8, ("claims nothing", '"/files" on line 5')),
    ],
)
def test_what_does_not_fit(problems_of: Problems, more: str, line: int, said: tuple[str, ...]) -> None:
    (problem,) = problems_of(ROUTES.replace("{more}", more))
    assert problem.line == line
    assert [each for each in said if each not in str(problem)] == []


@pytest.mark.parametrize(
    "more",
    [
        *("prefix: /v1/files", "prefix: /v2", "prefix: /files2", "prefix: /metricsx", "prefix: /admin", "prefix: null"),
        'paths: ["GET /*", "GET /filesx", "GET /v1/files"]',
        'paths: ["GET /.well-known/*", "GET /.well-known/oauth-protected-resource/*", "GET /.well-known/x/files"]',
    ],
)
def test_what_does(read: Callable[..., Loaded], more: str) -> None:
    read(ROUTES.replace("{more}", more))


def test_commands_take_their_paths(problems_of: Problems) -> None:
    (problem,) = problems_of(ROUTES.replace("{more}", "prefix: /admin/x") + f"server: {{admin_token: {TOKEN}}}\n")
    assert "would take /admin, " in str(problem)


def test_a_prefix_that_stands_for_the_environment_is_shown_as_it_is_written(problems_of: Problems) -> None:
    (problem,) = problems_of(ROUTES.replace("{more}", "prefix: '${PREFIX}'"), {"PREFIX": "/config"})
    assert '"${PREFIX}" would take /config' in str(problem)


def test_a_listener_of_operators_own_leaves_agents_their_paths(
    read: Callable[..., Loaded], problems_of: Problems
) -> None:
    own = "admin: {listen: 127.0.0.1:9090}\n"
    policy = read(ROUTES.replace("{more}", "prefix: /metrics") + own).policy
    assert policy.gives_up_models
    assert not read(ROUTES.replace("{more}", "")).policy.gives_up_models
    for prefix in ("/v1", "/v1/models", "/dashboard"):
        assert read(ROUTES.replace("{more}", f"prefix: {prefix}") + own).policy.routes[1].prefix == prefix
    (problem,) = problems_of(ROUTES.replace("{more}", "prefix: /livez") + own)
    assert "would take /livez, " in str(problem)
