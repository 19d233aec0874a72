"""What is allowed but hardly meant is said, and does not stop anything."""

from collections.abc import Callable

import pytest

from aimux.config.load import Loaded

A = "name: a, upstream: http://x"
B = "name: b, upstream: http://x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fallback: {upstream: http://x}\n", None),
        (
            f"routes: [{{{A}, intents: [Delete  users]}}, {{{B}, intents: [delete users, c]}}]\n",
            'the intent "delete users" stands in a, b: such a text is ambiguous between them',
        ),
        ("routes: [{name: a, upstream: http://x, intents: [b c, B C]}]\n", None),
        ("routes: [{name: a, upstream: http://x, allowed: []}]\n", "route 'a' allows nobody"),
        ("fallback: {upstream: http://x, allowed: []}\n", "the fallback allows nobody"),
        ("fallback: {upstream: http://x, allowed: ['*']}\n", "the fallback allows any registered agent, and none is"),
        ("agents: [a]\nfallback: {upstream: http://x, allowed: ['*']}\n", None),
        ("routes: [{name: a, upstream: http://x, ca_file: c}]\n", "route 'a' has a ca_file, which an http upstream"),
    ],
)
def test_advice(read: Callable[..., Loaded], text: str, expected: str | None) -> None:
    warnings = read(text).warnings
    if expected is None:
        assert warnings == ()
    else:
        (warning,) = warnings
        assert expected in warning
