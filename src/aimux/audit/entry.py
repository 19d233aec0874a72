"""A request as readers see it: its two records put together again."""

from typing import Any, Final

from aimux.audit.format.field import Fields, WrittenIn
from aimux.audit.format.reading import Reader, default_of, number_in, read_decision, version_of
from aimux.audit.format.schema import FIELDS
from aimux.audit.format.schema_1 import UNKNOWN

Entry = dict[str, Any]
"""The fields of `admin.entry_models.AuditEntry`."""

ANONYMOUS: Final = "(anonymous)"
UNIDENTIFIED: Final = "(unidentified)"
NO_ROUTE: Final = "(none)"
SHOWN: Final = tuple(field for field in FIELDS if field.is_shown)
"""The fields of a request as readers see it, in their order."""
_ENDING: Final = tuple(field for field in SHOWN if field.written_in is WrittenIn.OUTCOME)
_CHANGING: Final = tuple((field.name, field.default) for field in SHOWN if field.written_in is WrittenIn.BOTH)
_DERIVED: Final = tuple(
    (field.name, field.derive) for field in SHOWN if field.written_in is WrittenIn.NEITHER and field.derive is not None
)
_NAMES: Final = tuple(field.name for field in SHOWN)
_read_ending: Final = Reader(field for field in SHOWN if field.is_in(WrittenIn.OUTCOME)).read
SERVED: Final = frozenset({"forward", "fallback", "answered"})
FAILED: Final = ("internal", "redirect_refused")
"""Verdicts that are no refusals, besides those that begin with `upstream_`."""
UNJUDGED: Final = ("client_left", UNKNOWN)
"""Verdicts of requests that nothing has refused, and nothing served."""


def entry_of(chain: int, decision: Fields, outcome: Fields | None) -> Entry:
    """The entry of a request; `outcome` is None while it is being served.

    Fields that a record lacks, or has something else for, have their defaults. Raises ValueError for a decision without
    its number.
    """
    number = number_in(decision, "seq")
    if number is None:
        raise ValueError("a decision has a number")
    found = read_decision(decision)
    ended = None
    if outcome is None:
        found |= {field.name: default_of(field) for field in _ENDING}
    else:
        ended, ending = number_in(outcome, "seq"), _read_ending(outcome)
        # What the outcome does not say of these is as it was decided.
        kept = {name: found[name] for name, default in _CHANGING if ending[name] == default}
        found |= ending | kept
    found["position"] = {"chain": chain, "decision": number, "outcome": ended}
    found["schema"] = version_of(decision)
    for name, derive in _DERIVED:
        found[name] = derive(found)
    return {name: found[name] for name in _NAMES}


def agent_of(decision: Fields) -> str:
    """Who asked: a name, or in parentheses, as no name can have them, that there is none."""
    if decision["identity"] is None:
        return UNIDENTIFIED
    return decision["agent"] or ANONYMOUS


def is_failure(verdict: str, ended: str | None) -> bool:
    """Whether the gateway or an upstream did not do what it should."""
    return verdict in FAILED or verdict.startswith("upstream_") or ended in {"upstream_failed", "truncated"}


def is_refusal(verdict: str) -> bool:
    """Whether the caller was refused, by a rule or for a limit."""
    return verdict not in SERVED and not is_failure(verdict, None) and verdict not in UNJUDGED
