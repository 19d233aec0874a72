"""The rules of records that name none by its id: older versions wrote the rule's sentence alone."""

import re
from functools import lru_cache
from typing import Final

from aimux.core.rules import OF_ACCESS, OF_PARTS, RULE_OF_FAILURE, Rule

_MOST_REMEMBERED: Final = 1024
_QUOTED: Final = r"'[^']+'"
_CALLER: Final = rf"(?:agent {_QUOTED}|an anonymous caller)"
_PART: Final = r"(?:[;:] (?:a part of what is said stands|characters [0-9]+ to [0-9]+ of the text stand) for route .+)?"
_REWORDED: Final = (
    (rf"route {_QUOTED} is (?:public|restricted) and does not allow an anonymous caller{_PART}", Rule.ACCESS_ANONYMOUS),
    (r"(?:what is said|a text) is scored whole or not at all", Rule.TEXT_TOO_LONG),
    (r"a request needs a text or a named route", Rule.TEXT_MISSING),
)
"""Sentences of earlier versions that no rule has any more."""
_BY_VERDICT: Final = frozenset({"a request must be readable in one way only", "a fault refuses"})
"""Sentences that several rules had in common."""
_RULE_OF_CODE: Final = {reason.code: rule for reason, rule in RULE_OF_FAILURE.items()}


@lru_cache(maxsize=_MOST_REMEMBERED)
def rule_of(sentence: str, verdict: str) -> Rule | None:
    """The rule that an older record means by its sentence and its verdict; None where that cannot be said."""
    if sentence in _BY_VERDICT:
        return _RULE_OF_CODE.get(verdict)
    if sentence in _RULE_OF_CODE:
        return _RULE_OF_CODE[sentence]
    return next((rule for pattern, rule in _PATTERNS if pattern.fullmatch(sentence)), None)


def _patterns() -> tuple[tuple[re.Pattern[str], Rule], ...]:
    known = [(re.compile(pattern), rule) for pattern, rule in _REWORDED]
    for rule in Rule:
        pattern = re.escape(rule.sentence).replace(r"\{caller\}", _CALLER)
        pattern = re.sub(r"'\\\{(?:route|guard|group)\\\}'", lambda _: _QUOTED, pattern)
        known.append((re.compile(pattern + (_PART if rule in OF_ACCESS | OF_PARTS else "")), rule))
    return tuple(known)


_PATTERNS: Final = _patterns()
