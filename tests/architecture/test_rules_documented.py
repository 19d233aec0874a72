"""docs/rules.md has every rule, its id and its sentence, and no other."""

import re
from pathlib import Path

from aimux.core.rules import Rule

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
_ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \| (.*) \|$", re.MULTILINE)


def test_the_page_lists_the_rules() -> None:
    assert _ROW.findall(PAGE.read_text()) == [(rule.id, rule.sentence) for rule in sorted(Rule, key=_of_the_page)]


def _of_the_page(rule: Rule) -> int:
    titles = [
        "access",
        "identity",
        "guard",
        "text",
        "route",
        "request",
        "upstream",
        "gateway",
        "management",
        "operator",
        "state",
        "internal",
    ]
    return titles.index(rule.id.partition(".")[0])
