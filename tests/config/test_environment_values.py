"""`${NAME}` in values, and `AIMUX_SECTION__KEY` instead of them."""

# ruff: noqa: E501  (tables read best with a row on a line)

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.config.load import Loaded, load_text
from aimux.config.problem import Problem

Read = Callable[..., Loaded]
Problems = Callable[..., tuple[Problem, ...]]
FALLBACK = "fallback: {upstream: http://x}\n"


def test_names_are_replaced_in_values(read: Read) -> None:
    loaded = read(
        "agents: ['${BOT}']\nroutes:\n- name: ${R}\n  upstream: http://${HOST}:${PORT}/${HOST}\n  allowed: ['${BOT}']\n",
        {"BOT": "b", "R": "r", "HOST": "h", "PORT": "8"},
    )
    (route,) = loaded.policy.routes
    assert (route.name, route.upstream.url, route.allowed) == ("r", "http://h:8/h", {"b"})


def intent(read: Read, written: str, **environ: str) -> str:
    """What an intent becomes that is written so, in single quotes."""
    loaded = read(f"routes: [{{name: a, upstream: http://a, intents: ['{written}']}}]\n", environ)
    return loaded.policy.routes[0].intents[0]


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("a ${X} b", "a x b"),
        ("${X}${X}", "xx"),
        ("$${X}", "${X}"),
        ("$$${X}", "$${X}"),
        ("$X {X} $ $$", "$X {X} $ $$"),
        ("$${", "${"),
        ("${_9}", "ok"),
        ("${NOPE:-default}", "default"),
        ("${NOPE:-a b:-c-d $5 \\n}", "a b:-c-d $5 \\n"),
        ("${EMPTY:-default}", "default"),
        ("${X:-default}", "x"),
        ("a${NOPE:-}b", "ab"),
        ("a${EMPTY}${EMPTY:-}b", "ab"),
        ("${NOPE:-$NOPE}${NOPE:-?}", "$NOPE?"),
        ("$${X:-default}", "${X:-default}"),
    ],
)
def test_how_a_name_is_written(read: Read, written: str, becomes: str) -> None:
    assert intent(read, written, X="x", _9="ok", EMPTY="") == becomes


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_what_the_environment_gives_is_never_read_again(value: str) -> None:
    text = "routes: [{name: a, upstream: http://a, intents: ['${X}']}]\n"
    loaded = load_text(text, "f", {"X": value, "Y": "y"}, Path("/"))
    assert loaded.policy.routes[0].intents == (value,)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("${NOPE}", "NOPE is not set in the environment; set it, write ${NOPE:-default}, or $${NOPE}"),
        ("${}", "${ begins a name of the environment but none follows"),
        ("${A.B}", "${ begins a name"),
        ("${X-default}", "only ${NAME} and ${NAME:-default} are read"),
        ("${X:?it must be set}", "only ${NAME} and ${NAME:-default} are read"),
        ("${X:+other}", "only ${NAME} and ${NAME:-default} are read"),
        ("${NOPE:-${X}}", "with a default without braces"),
        ("${NOPE:-{a}}", "with a default without braces"),
        ("${NOPE:-", "with a default without braces"),
        ("${:-default}", "${ begins a name"),
        ("${NOPE:default}", "${ begins a name"),
        ("${9}", "${ begins a name"),
        ("${X", "${ begins a name"),
        ("a ${", "${ begins a name"),
        ("${X${X}", "${ begins a name"),
        ("${BYTES}", "BYTES in the environment is not UTF-8 text"),
        ("${EMPTY}", "the text is empty"),
        ("${LINES}", '"${LINES}" holds a line break'),
    ],
)
def test_a_name_that_gives_nothing_usable(problems_of: Problems, written: str, why: str) -> None:
    environ = {"X": "x", "BYTES": "\udcff", "EMPTY": "", "LINES": "a\nb"}
    (problem,) = problems_of(f"routes:\n- {{name: a, upstream: http://a, intents: ['{written}']}}\n", environ)
    assert (problem.line, problem.where) == (2, "routes[0].intents[0]")
    assert why in str(problem)


def test_two_names_that_are_not_set_are_two_problems(problems_of: Problems) -> None:
    problems = problems_of("fallback: {upstream: '${A}://${B}:${A}'}\n")
    assert [p.message.split()[0] for p in problems] == ["A", "B"]


def test_keys_are_left_alone(problems_of: Problems) -> None:
    (problem,) = problems_of(FALLBACK + "'${X}': 1\n", {"X": "server"})
    assert problem.where == '"${X}"'


def test_a_name_gives_text_also_where_it_looks_like_a_number(problems_of: Problems) -> None:
    (problem,) = problems_of(FALLBACK + "server: {port: '${PORT}'}\n", {"PORT": "9000"})
    assert "set AIMUX_SERVER__PORT in the environment instead" in problem.remedy
    (problem,) = problems_of("routes: [{name: a, upstream: http://a, min_score: '${S}'}]\n", {"S": "0.5"})
    assert "write the value itself" in problem.remedy


OVERRIDES = [
    ("AIMUX_SERVER__PORT", "9000", lambda c: c.server.port == 9000),
    ("AIMUX_SERVER__PORT", "0x10", lambda c: c.server.port == 16),
    ("AIMUX_SERVER__HOST", "0.0.0.0", lambda c: c.server.host == "0.0.0.0"),
    (
        "AIMUX_SERVER__ADMIN_TOKEN",
        "0123456789012345",
        lambda c: c.server.admin_token is not None and c.server.admin_token.get_secret_value() == "0123456789012345",
    ),
    ("AIMUX_SERVER__ADMIN_TOKEN", "null", lambda c: c.server.admin_token is None),
    ("AIMUX_SERVER__IDLE_TIMEOUT", "0.5", lambda c: c.server.idle_timeout == 0.5),
    ("AIMUX_SERVER__MAX_BODY_BYTES", "1MiB", lambda c: c.server.max_body_bytes == 1048576),
    ("AIMUX_SERVER__MAX_BODY_BYTES", "77", lambda c: c.server.max_body_bytes == 77),
    ("AIMUX_LOGGING__TIMESTAMP", "false", lambda c: c.logging.timestamp is False),
    ("AIMUX_LOGGING__LEVEL", "debug", lambda c: c.logging.level == "debug"),
    ("AIMUX_SEMANTIC_ENGINE__MIN_SCORE", "1", lambda c: c.semantic_engine.min_score == 1),
    ("AIMUX_SEMANTIC_ENGINE__MODEL_PATH", "/m/yes", lambda c: str(c.semantic_engine.model_path) == "/m/yes"),
    ("AIMUX_IDENTITY__BODY_FIELD", "12", lambda c: c.identity.body_field == "12"),
    ("AIMUX_IDENTITY__BODY_FIELD", "on", lambda c: c.identity.body_field == "on"),
    ("AIMUX_IDENTITY__BODY_FIELD", "null", lambda c: c.identity.body_field is None),
    ("AIMUX_UPSTREAMS__MAX_HEADERS", "5", lambda c: c.upstreams.max_headers == 5),
    ("AIMUX_FALLBACK__UPSTREAM", "http://${X}y:1", None),
    ("AIMUX_FALLBACK__UPSTREAM", "http://y", lambda c: c.fallback.upstream == "http://y"),
]


@pytest.mark.parametrize(("variable", "value", "holds"), OVERRIDES)
def test_a_variable_takes_the_place_of_a_key(
    read: Read, problems_of: Problems, variable: str, value: str, holds: Callable[..., bool] | None
) -> None:
    if holds is None:
        (problem,) = problems_of(FALLBACK, {variable: value, "X": "x"})
        assert problem.where == variable
        return
    assert not holds(read(FALLBACK).config) or value == "null"
    assert holds(read(FALLBACK, {variable: value, "X": "x"}).config)


def test_a_variable_wins_over_the_file_and_over_its_mistakes(read: Read, problems_of: Problems) -> None:
    text = FALLBACK + "server:\n  host: a\n  port: '${NOPE}'\n"
    loaded = read(text, {"AIMUX_SERVER__PORT": "9"})
    assert (loaded.config.server.host, loaded.config.server.port) == ("a", 9)
    both = problems_of(FALLBACK + "server: {port: 012}\n", {"AIMUX_SERVER__PORT": "x"})
    assert [(p.source, p.where) for p in both] == [("aimux.yaml", "server.port"), ("environment", "AIMUX_SERVER__PORT")]


def test_a_variable_does_not_mend_a_section_that_is_none(problems_of: Problems) -> None:
    (problem,) = problems_of(FALLBACK + "server: x\n", {"AIMUX_SERVER__PORT": "9"})
    assert (problem.source, problem.where) == ("aimux.yaml", "server")


def test_a_variable_can_bring_a_whole_section(read: Read) -> None:
    loaded = read("server:\nagents: []\nroutes:\n", {"AIMUX_FALLBACK__UPSTREAM": "http://y", "AIMUX_SERVER__PORT": "1"})
    assert loaded.policy.fallback is not None
    assert loaded.config.server.port == 1


NOT_FITTING = [
    ("AIMUX_SERVER__PRT", "1", 'the section server has no key "prt"; did you mean AIMUX_SERVER__PORT?'),
    ("AIMUX_SERVER__QQQQQQ", "1", "correct it or unset it"),
    ("AIMUX_SERVR__PORT", "1", "this names no key of a section"),
    ("AIMUX_SERVER__PORT__X", "1", "this names no key of a section"),
    ("AIMUX_SERVER__", "1", "the section server has no key"),
    ("AIMUX___PORT", "1", "this names no key of a section"),
    ("AIMUX_AGENTS__0", "a", "this names no key of a section"),
    ("AIMUX_ROUTES__NAME", "a", "this names no key of a section"),
    ("AIMUX_Server__Port", "1", "not all in capitals; write AIMUX_SERVER__PORT"),
    ("AIMUX_SERVER__TRUSTED_PROXIES", "10.0.0.1", "server.trusted_proxies is a list"),
    ("AIMUX_FALLBACK__ALLOWED", "a", "fallback.allowed is a list"),
    ("AIMUX_SERVER__PORT", "", "the variable is empty"),
    ("AIMUX_SERVER__HOST", "\udcff", "the variable is not UTF-8 text"),
    ("AIMUX_SERVER__PORT", "x", '"x" stands where a whole number is expected; set it to a whole number'),
    ("AIMUX_SERVER__PORT", "012", '"012" stands where a whole number is expected'),
    ("AIMUX_SERVER__PORT", "70000", "70000 is out of range"),
    ("AIMUX_SERVER__PORT", "null", "nothing stands where a whole number is expected"),
    ("AIMUX_SERVER__PORT", "9" * 50, "a number of more than 40 digits"),
    ("AIMUX_SERVER__HOST", "a b", '"a b" is neither an address nor a host name'),
    ("AIMUX_LOGGING__TIMESTAMP", "yes", '"yes" stands where true or false is expected'),
    ("AIMUX_UPSTREAMS__CA_FILE", "/nowhere/ca.pem", '"/nowhere/ca.pem": there is no such file'),
]


@pytest.mark.parametrize(("variable", "value", "why"), NOT_FITTING)
def test_a_variable_that_fits_nothing(problems_of: Problems, variable: str, value: str, why: str) -> None:
    (problem,) = problems_of(FALLBACK, {variable: value})
    assert (problem.source, problem.line, problem.where) == ("environment", None, variable)
    assert why in str(problem)


def test_variables_of_another_form_are_nobodys_business(read: Read) -> None:
    read(FALLBACK, {"AIMUX_DEBUG": "1", "AIMUX": "x", "XAIMUX_SERVER__PORT": "x", "aimux_server__port": "x"})


def test_variables_are_judged_also_where_the_file_cannot_be_read(problems_of: Problems) -> None:
    problems = problems_of("a: [", {"AIMUX_SERVER__PRT": "1"})
    assert [p.source for p in problems] == ["aimux.yaml", "environment"]
