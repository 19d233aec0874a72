"""Texts that YAML takes for something else, since they hold a colon, a # or quotes: the report says to quote them."""

from collections.abc import Callable

import pytest

from aimux.config.load import Loaded
from aimux.config.problem import Problem

Read = Callable[..., Loaded]
Problems = Callable[..., tuple[Problem, ...]]


def listed(written: str) -> str:
    """A configuration whose only intent is written so, on line 6, behind characters that take two bytes."""
    return f"# größer\nroutes:\n- name: a\n  upstream: http://a\n  intents:\n  - {written}\n"


@pytest.mark.parametrize(
    "written",
    [
        *("what is this: a test", "what is this:", "a: b: c", "{what is this}", "[what, is] this", "? what is this"),
        *("#42 is late", '"reset" the database', "'don't do it'", '"reset the database', "> 5 items", "| a b"),
        *("- a b", "@home", "`ls`", "%d items", "!important", "&c d", "*c", "[an #issue, b]", '["a" b]', '"a" "b"'),
    ],
)
def test_what_is_no_text_without_quotes_is_to_be_put_in_quotes(read: Read, problems_of: Problems, written: str) -> None:
    (problem,) = problems_of(listed(written))
    assert problem.line == 6
    assert "quotes" in problem.remedy
    quoted = written.replace("'", "''")
    assert read(listed(f"'{quoted}'")).policy.routes[0].intents == (written,)


@pytest.mark.parametrize("written", ["what is this: a test", "what is this:"])
def test_a_text_with_a_colon_is_shown_as_it_should_stand(problems_of: Problems, written: str) -> None:
    (problem,) = problems_of(listed(written))
    assert problem.where == "routes[0].intents[0]"
    assert f'in quotes where all of this is one: "{written}"' in problem.remedy


def test_a_comment_within_brackets_is_found_where_it_begins(problems_of: Problems) -> None:
    (problem,) = problems_of("routes:\n- name: a\n  upstream: http://a\n  intents: [\n    b,\n    issue #42, c]\n")
    assert (problem.line, problem.message) == (6, "the # on this line begins a comment within [ ] or { }")


def test_a_secret_is_not_shown_in_quotes(problems_of: Problems) -> None:
    (problem,) = problems_of("fallback: {upstream: http://x}\nserver:\n  admin_token:\n    hunter2: hunter2\n")
    assert "quotes" in problem.remedy
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("written", "becomes"),
    [("look at issue #42", "look at issue"), ("ask\t#general", "ask"), ("größe #größe", "größe")],
)
def test_a_text_that_a_comment_cuts_short_is_warned_of(read: Read, written: str, becomes: str) -> None:
    loaded = read(listed(written))
    assert loaded.policy.routes[0].intents == (becomes,)
    (warning,) = loaded.warnings
    assert warning.startswith(
        "line 6: routes[0].intents[0]: the # behind this value begins a comment: put the value in"
    )
    assert read(listed(f'"{becomes} #42"')).warnings == ()


@pytest.mark.parametrize("written", ["ask # what callers say", "c# and f#", "ask ## more", "ask #", "a#b", "'ask' #b"])
def test_a_comment_that_looks_like_one_is_none_of_our_business(read: Read, written: str) -> None:
    assert read(listed(written)).warnings == ()


def test_what_is_wrong_with_a_value_that_a_comment_cuts_short_says_so(problems_of: Problems) -> None:
    (problem,) = problems_of("fallback: {upstream: http://x}\nserver:\n  admin_token: abcdefgh #89abcdefghijk\n")
    assert "the token is shorter than 16 characters" in problem.message
    assert "the # behind this value begins a comment" in problem.remedy
    assert "89ab" not in str(problem)
