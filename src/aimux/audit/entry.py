"""A request as readers see it: its two records put together again."""

from collections.abc import Mapping
from typing import Any, Final

Entry = dict[str, Any]
"""The fields of `edge.audit_models.AuditEntry`."""
Fields = Mapping[str, Any]
"""A record's JSON object."""

ANONYMOUS: Final = "(anonymous)"
UNIDENTIFIED: Final = "(unidentified)"
NO_ROUTE: Final = "(none)"
_FROM_DECISION: Final = (
    *("time", "request_id", "trace_id", "agent", "identity", "conflicts", "peer", "method", "path", "dialect", "text"),
    *("text_digest", "route", "score", "runner_up", "margin", "ambiguity_threshold", "rule", "config", "model"),
    *("cached", "decided_ms"),
)
# Records that an earlier version wrote lack these.
_SINCE_ADDED: Final = ("chosen_by", "turn", "listed")
OF_A_PART: Final = ("route", "start", "end", "text", "score")
"""Recorded fields of the part of a text that decided."""
_FROM_OUTCOME: Final = ("model_ms", "upstream_ms", "total_ms", "status", "bytes", "ended")
_SERVED: Final = frozenset({"forward", "fallback", "answered"})
FAILED: Final = ("internal", "redirect_refused")
"""Verdicts that are no refusals, besides those that begin with `upstream_`."""


def entry_of(chain: int, decision: Fields, outcome: Fields | None) -> Entry:
    """What is known of a request; `outcome` is None while it is being served. Raises KeyError for other records."""
    entry: Entry = {
        "position": {
            "chain": chain,
            "decision": decision["seq"],
            "outcome": None if outcome is None else outcome["seq"],
        }
    }
    for name in _FROM_DECISION:
        entry[name] = decision[name]
    for name in _SINCE_ADDED:
        entry[name] = decision.get(name)
    # Only where a part of the text decided, and not in records that older versions have written.
    part = decision.get("part")
    entry["part"] = None if part is None else {name: part[name] for name in OF_A_PART}
    # Only where there is one, and not in records that older versions have written.
    entry["client_request_id"] = decision.get("client_request_id")
    entry["upstream_request_id"] = None if outcome is None else outcome.get("upstream_request_id")
    entry["scores"] = [
        {"route": route, "score": score, "min_score": needed} for route, score, needed in decision["scores"]
    ]
    best = entry["scores"][0] if entry["scores"] else {"route": None, "score": None}
    entry["best"], entry["best_score"] = best["route"], best["score"]
    entry["verdict"] = decision["verdict"] if outcome is None else outcome["verdict"]
    for name in _FROM_OUTCOME:
        entry[name] = None if outcome is None else outcome[name]
    return entry


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
    return verdict not in _SERVED and not is_failure(verdict, None) and verdict != "client_left"
