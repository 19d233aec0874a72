"""What may be shown of a configuration, and the digest that names it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimux.config.load import Loaded
from aimux.config.problem import Problem

Read = Callable[..., Loaded]
Problems = Callable[..., tuple[Problem, ...]]
FALLBACK = "fallback: {upstream: http://x}\n"
TOKEN = "correct-horse-battery-staple"


def test_it_is_the_whole_configuration_with_defaults(read: Read) -> None:
    loaded = read(
        "routes: [{name: a, upstream: http://a, intents: [b]}]\nserver: {trusted_proxies: [10.0.0.0/8, '::1']}\n"
    )
    shown = json.loads(json.dumps(loaded.display))
    assert shown["server"]["port"] == 8080
    assert shown["server"]["admin_token"] is None
    assert shown["server"]["trusted_proxies"] == ["10.0.0.0/8", "::1/128"]
    assert shown["semantic_engine"]["model_path"] == "/nowhere/models/all-MiniLM-L6-v2.onnx"
    absent = {"allowed": None, "min_score": None, "ca_file": None, "redirects": None, "response_timeout": None}
    absent["prefix"] = None
    assert shown["routes"] == [{"name": "a", "upstream": "http://a", "intents": ["b"], "paths": [], **absent}]


@pytest.mark.parametrize(
    ("line", "environ"),
    [
        (f"server: {{admin_token: {TOKEN}}}\n", {}),
        ("server: {admin_token: '${TOKEN}'}\n", {"TOKEN": TOKEN}),
        ("server: {admin_token: '${TOKEN}-staple'}\n", {"TOKEN": TOKEN.removesuffix("-staple")}),
        ("", {"AIMUX_SERVER__ADMIN_TOKEN": TOKEN}),
    ],
)
def test_a_token_is_hidden_wherever_it_comes_from(read: Read, line: str, environ: dict[str, str]) -> None:
    loaded = read(FALLBACK + line, environ)
    token = loaded.config.server.admin_token
    assert token is not None
    assert token.get_secret_value() == TOKEN
    shown = loaded.display["server"]
    assert isinstance(shown, dict)
    assert shown["admin_token"] == "***"
    assert TOKEN not in repr(loaded)
    assert loaded.digest == read(FALLBACK).digest


def test_values_of_the_environment_are_shown_as_they_were_written(read: Read) -> None:
    loaded = read(
        "agents: ['${BOT}', c]\n"
        "semantic_engine: {model_path: '/m/${KEY}'}\n"
        "routes: [{name: a, upstream: 'http://x/${KEY}', intents: [b, '${KEY} $${KEY}'], allowed: ['${BOT}']}]\n"
        "identity: {body_field: '$${BOT}'}\n",
        {"BOT": "b", "KEY": "hunter2"},
    )
    shown = json.dumps(loaded.display)
    assert "hunter2" not in shown
    assert loaded.display["agents"] == ["${BOT}", "c"]
    assert '"upstream": "http://x/${KEY}"' in shown
    assert '"intents": ["b", "${KEY} $${KEY}"]' in shown
    assert '"model_path": "/m/${KEY}"' in shown
    assert '"body_field": "${BOT}"' in shown
    assert '"allowed": ["${BOT}"]' in shown


def test_a_value_of_a_variable_is_shown(read: Read) -> None:
    shown = read(FALLBACK, {"AIMUX_SERVER__PORT": "9000", "AIMUX_LOGGING__LEVEL": "debug"}).display
    assert '"port": 9000' in json.dumps(shown)
    assert '"level": "debug"' in json.dumps(shown)


def wrong_places(secret: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Configurations that are wrong and hold a secret, in the environment or where a secret belongs."""
    for value in ("{S}", "http://{S}:x", "http://a/{S}?", "http://u:{S}@a", "{S}\\", "http://[{S}]", "http://{S}..x"):
        yield f"fallback: {{upstream: '{value.replace('{S}', '${S}')}'}}\n", {"S": secret}
        yield FALLBACK, {"S": secret, "AIMUX_SERVER__ADMIN_TOKEN": f"short {secret}"}
    for url in (f"http://me:{secret}@a", f"ftp://me:{secret}@a", f"http://a?key={secret}", f"http://a b#{secret}"):
        yield f"fallback: {{upstream: '{url}'}}\n", {}
    for key in (
        "agents: ['${S}', '${S}']",
        "agents: [a]\nroutes: [{name: '${S}', upstream: http://a, allowed: ['${S}']}]",
    ):
        yield FALLBACK + key + "\n", {"S": secret.upper()}
        yield FALLBACK + key + "\n", {"S": secret}
    for place in ("server: {host: '${S} x', port: '${S}', trusted_proxies: ['${S}'], max_body_bytes: '${S}'}",
                  "logging: {level: '${S}', timestamp: '${S}'}", "identity: {headers: ['${S} x', '${S} x']}",
                  "upstreams: {ca_file: '/nowhere/${S}'}", "server: '${S}'", "agents: '${S}'",
                  f"server: {{admin_token: {secret}}}", f"server: {{admin_token: [{secret}]}}",
                  f"server: {{admin_token: {{a: {secret}}}}}", f"server: {{admin_token: &{secret} x}}",
                  f"server: {{admin_token: !{secret} x}}", f"server: {{admin_token: *{secret}}}"):  # fmt: skip
        yield FALLBACK + place + "\n", {"S": secret}


@pytest.mark.parametrize(("text", "environ"), list(wrong_places("hunter2")))
def test_no_problem_gives_a_secret_away(problems_of: Problems, text: str, environ: dict[str, str]) -> None:
    if "${S}', '${S}'" in text and "upstream: http://a" not in text and environ["S"] == "hunter2":
        (problem,) = problems_of(text, environ)
        assert problem.message == 'the agent "${S}" stands on line 2 already'
    for problem in problems_of(text, environ):
        assert "hunter2" not in str(problem).lower()


@pytest.mark.parametrize("token", ["0123456789012345", "1234567890123456", "1_000", "'hunter2 hunter2 hunter2'"])
def test_no_problem_repeats_a_token(problems_of: Problems, token: str) -> None:
    (problem,) = problems_of(FALLBACK + f"server: {{admin_token: {token}}}\n")
    assert token.strip("'") not in str(problem)


def test_the_digest_names_what_is_in_force(read: Read) -> None:
    plain = read(FALLBACK)
    assert len(plain.digest) == 64
    assert plain.policy.digest == plain.digest
    same = [
        read("# comment\nfallback:\n  upstream: 'http://x'\nserver: {port: 8080}\n"),
        read("fallback: {upstream: 'http://${X}'}\n", {"X": "x"}),
        read(FALLBACK + "server: {port: 1}\n", {"AIMUX_SERVER__PORT": "8080"}),
        read(FALLBACK, base_dir=Path("/elsewhere")),
        read(FALLBACK + "audit: {path: /elsewhere/audit}\n", base_dir=Path("/elsewhere")),
    ]
    assert {loaded.digest for loaded in same} == {plain.digest}
    other = [
        read("fallback: {upstream: 'http://y'}\n"),
        read(FALLBACK + "server: {port: 1}\n"),
        read("fallback: {upstream: http://x, allowed: []}\n"),
        read(FALLBACK + "audit: {path: /elsewhere/audit}\n"),
        read(FALLBACK + "audit: {path: other}\n"),
    ]
    assert len({loaded.digest for loaded in [plain, *other]}) == 6
