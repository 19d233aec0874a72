"""Paths of routes: what is compiled of them, what is no path, and what two routes could claim."""

from collections.abc import Callable

import pytest

from aimux.config.load import Loaded
from aimux.config.problem import Problem

ROUTES = """
routes:
  - name: files
    upstream: http://files:1
    paths: ["GET /v1/files", "GET /v1/files/*", "POST /v1/files"]
  - name: other
    upstream: http://other:1
    paths: [{paths}]
"""


def test_paths_claim_for_their_route(read: Callable[..., Loaded]) -> None:
    policy = read(ROUTES.replace("{paths}", '"GET /v1/filesystem", "DELETE /v1/files/*"')).policy
    claims = [
        *(("GET", "/v1/files", 0), ("HEAD", "/v1/files/a/b", 0), ("POST", "/v1/files", 0)),
        *(("GET", "/v1/filesystem", 1), ("DELETE", "/v1/files/a", 1), ("PUT", "/v1/files", None)),
    ]
    assert [(method, path, policy.paths.claim(method, path)) for method, path, _ in claims] == claims


@pytest.mark.parametrize("path", ["GET /v1/files", "GET /v1/*", "GET /v1/files/a", "GET /v1/files/a/*", "GET /*"])
def test_two_routes_that_could_claim_the_same_request(
    problems_of: Callable[..., tuple[Problem, ...]], path: str
) -> None:
    (problem,) = problems_of(ROUTES.replace("{paths}", f'"{path}"'))
    assert problem.line == 8
    assert "could claim the same request" in str(problem)
    assert "line 5" in str(problem)


def test_one_route_may_claim_a_request_twice(read: Callable[..., Loaded]) -> None:
    read('routes: [{name: a, upstream: "http://a:1", paths: ["GET /a/*", "GET /a/b"]}]')


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/files", "write a method and a path"),
        ("get /v1/files", "write a method and a path"),
        ("GET /v1/files?x=y", "write a method and a path"),
        ("GET /v1/file*", "* can only be the whole last segment"),
        ("GET /v1/*/content", "* can only be the whole last segment"),
        ("GET /a/../b", "as servers resolve it"),
        ("HEAD /a", "write GET"),
    ],
)
def test_what_is_no_path(problems_of: Callable[..., tuple[Problem, ...]], path: str, said: str) -> None:
    (problem,) = problems_of(ROUTES.replace("{paths}", f'"{path}"'))
    assert said in str(problem)


def test_a_path_that_stands_twice_in_one_route(problems_of: Callable[..., tuple[Problem, ...]]) -> None:
    (problem,) = problems_of('routes: [{name: a, upstream: "http://a:1", paths: ["GET /a", "GET /a"]}]')
    assert "already" in str(problem)
