"""The text in a decision's record: as much of it as may be shown, its scores, and the part that decided."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from aimux.audit.redact import BLOT, Redactor
from aimux.core.record import Record
from aimux.core.request import Reading
from aimux.core.routing import Match, by_name

_MOST_SCORES: Final = 32
# Looking for secrets takes time that others wait: of a longer text only this much is looked at and recorded.
_LONGEST_EXCERPTED: Final = 4 * 1024
_LONGEST_FULL: Final = 32 * 1024

Values = dict[str, Any]
"""Values by the names of their fields."""


@dataclass(frozen=True, slots=True)
class TextPolicy:
    """How much of a text is recorded: `full`, an `excerpt` of so many characters, or `none`."""

    text: str = "excerpt"
    excerpt: int = 200

    @property
    def longest(self) -> int:
        """How many characters of a text are looked at; a longer one is hashed as it came."""
        return _LONGEST_FULL if self.text == "full" else max(_LONGEST_EXCERPTED, 2 * self.excerpt)


def of_text(record: Record, texts: TextPolicy, redactor: Redactor) -> Values:
    """The text, what its scores were, and what they were measured by."""
    said = record.said
    if said is None or said.text is None:
        return {**_UNSAID, **_UNSCORED, "part": None}
    shown, recorded = _shown(said, said.text, texts, redactor)
    return {**shown, **_scored(record), "part": _part(record.match, recorded)}


_UNSAID: Final[Values] = {"text": None, "text_digest": None, "listed": None}
_UNSCORED: Final[Values] = {
    "score": None,
    "runner_up": None,
    "margin": None,
    "ambiguity_threshold": None,
    "scores": (),
}


def _shown(said: Reading, text: str, texts: TextPolicy, redactor: Redactor) -> tuple[Values, str]:
    """The fields of the text, and as much of it as they show."""
    if redactor.hides_field(said.field):
        return {**_UNSAID, "text": BLOT}, ""
    longest = texts.longest
    seen = redactor.clean(text[:longest])
    whole = seen if len(text) <= longest else text
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    found: Values = {"text": None, "text_digest": digest, "listed": len(said.listed) or None}
    if texts.text == "none":
        return found, ""
    limit = texts.excerpt if texts.text == "excerpt" else longest
    recorded = seen[:limit]
    found["text"] = seen if len(seen) <= limit and len(text) <= longest else recorded + "..."
    return found, recorded


def _scored(record: Record) -> Values:
    found = record.match
    if found is None or record.scored is None:
        return _UNSCORED
    policy, scores = record.scored
    best = sorted(by_name(policy, scores), key=lambda pair: -pair[1])[:_MOST_SCORES]
    lead = found.lead
    return {
        "score": round(lead.score, 4),
        "runner_up": None if lead.runner_up is None else lead.runner_up.name,
        "margin": None if lead.margin is None else round(lead.margin, 4),
        "ambiguity_threshold": policy.ambiguity_threshold,
        "scores": [[name, round(score, 4), policy.by_name[name].min_score] for name, score in best],
    }


def _part(found: Match | None, recorded: str) -> Values | None:
    """The part of the text that decided, where one did. Its words are shown only where the recorded text shows them."""
    part = None if found is None else found.part
    if part is None:
        return None
    start, end = part.span or (None, None)
    shown = part.words if part.span is not None and part.words in recorded else None
    return {
        "route": part.lead.route.name,
        "start": start,
        "end": end,
        "text": shown,
        "score": round(part.lead.score, 4),
    }
