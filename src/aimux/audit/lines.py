"""The two records of a request as bodies of lines: what was decided and why, and what became of it.

Both are paid with every request, so that what does not change from one to the next is put together once. Names and
their order come from the table of fields. What stands in a field is the attribute of its name in `Record`, where
`_values` says nothing else.
"""

from collections.abc import Callable
from dataclasses import fields as attributes_of
from operator import attrgetter
from typing import Any, Final

from aimux.audit.format.field import WrittenIn
from aimux.audit.format.writing import (
    LONGEST_VALUE,
    fields_in,
    member,
    milliseconds,
    moment,
    shortened,
    template,
    written,
)
from aimux.audit.recorded_text import TextPolicy, Values, of_text
from aimux.audit.redact import BLOT, Redactor
from aimux.core.identity import Claim
from aimux.core.record import Record

_MOST_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 1024
_LONGEST_QUOTED: Final = 128
_LONGEST_NAME: Final = 64
_ID_HEADERS: Final = ("X-Request-ID", "Request-ID")
_WORDS: Final = {None: "null", True: "true", False: "false"}

# The fields that every request has a value of its own for; the others of a decision are remembered together.
_OWN: Final = frozenset({"time", "request_id", "trace_id", "client_request_id", "cached", "decided_ms"})
_DECISION: Final = template(WrittenIn.DECISION, _OWN) + "%(why)s"
_SHARED: Final = tuple(field for field in fields_in(WrittenIn.DECISION) if field.name not in _OWN)
_OF_OUTCOME: Final = frozenset(
    {
        *("time", "request_id", "decision", "verdict", "status", "bytes", "model_ms", "upstream_ms", "total_ms"),
        *("ended", "upstream_request_id", "fault"),
    }
)
_OUTCOME: Final = template(WrittenIn.OUTCOME, _OF_OUTCOME)
_ADDED: Final = tuple(field for field in fields_in(WrittenIn.OUTCOME) if field.name not in _OF_OUTCOME)

# What the shared fields may depend on: all that is known of a request but for this.
_UNSHARED: Final = frozenset(
    {
        *("request_id", "trace", "began", "status", "cached", "model_seconds", "upstream_seconds", "total_seconds"),
        *("response_bytes", "fault", "scoring_began", "decided_seconds", "forwarding_began", "said", "audited"),
        *("client_request_id", "upstream_request_id"),
    }
)
_ON: Final[Callable[[Record], tuple[Any, ...]]] = attrgetter(
    "said.field", *(each.name for each in attributes_of(Record) if each.name not in _UNSHARED)
)


class Scribe:
    """Writes the bodies of records. Secrets are blotted out before anything else is done with a text."""

    def __init__(self, texts: TextPolicy, redactor: Redactor) -> None:
        self._texts = texts
        self._redactor = redactor
        self._known: dict[tuple[str | None, str | None], tuple[object, str]] = {}

    def decision(self, record: Record) -> str:
        """What is written before anything of a request goes to an upstream, or when it was refused."""
        named = record.client_request_id
        return _DECISION % {
            "time": f'"{moment(record.began)}"',
            "request_id": f'"{record.request_id}"',
            "trace_id": f'"{record.trace.trace_id}"',
            "client_request_id": "" if named is None else self._named("client", named),
            "cached": _WORDS[record.cached],
            "decided_ms": milliseconds(record.decided_seconds),
            "why": self._why(record),
        }

    def outcome(self, record: Record, decision: int, now: float) -> str:
        """What is written when a request has ended; `decision` is the number of its first record."""
        fault, named = record.fault, record.upstream_request_id
        body = _OUTCOME % {
            "time": f'"{moment(now)}"',
            "request_id": f'"{record.request_id}"',
            "decision": decision,
            "verdict": f'"{record.verdict or record.ended.value}"',
            "status": record.status,
            "bytes": record.response_bytes,
            "model_ms": milliseconds(record.model_seconds),
            "upstream_ms": milliseconds(record.upstream_seconds),
            "total_ms": milliseconds(record.total_seconds),
            "ended": f'"{record.ended.value}"',
            "upstream_request_id": "" if named is None else self._named("upstream", named),
            "fault": member("fault", shortened(self._redactor.clean(fault[:LONGEST_VALUE]))) if fault else "",
        }
        if _ADDED:
            return body + written(_ADDED, {each.name: getattr(record, each.name) for each in _ADDED}, self._clean)
        return body[:-1] + "}"

    def _clean(self, text: str) -> str:
        return self._redactor.clean(text)

    def _named(self, whose: str, request_id: str) -> str:
        """The field for what the client or the upstream calls the request."""
        hidden = any(map(self._redactor.hides_header, (*_ID_HEADERS, f"X-{whose}-Request-ID")))
        return member(f"{whose}_request_id", BLOT if hidden else self._redactor.clean(request_id))

    def _why(self, record: Record) -> str:
        """Who asked what of whom, and what was made of it: mostly the same from one request to the next."""
        said, principal = record.said, record.principal
        text = None if said is None else said.text
        if said is None or len(text or "") > _LONGEST_REMEMBERED or len(record.path) > _LONGEST_QUOTED:
            return self._reasons(record)
        if principal is not None and principal.conflicts:
            return self._reasons(record)
        key = text, None if principal is None else principal.agent
        # Of what a list holds beside its first text, no more is shown than how much there is.
        on = len(said.listed), _ON(record)
        known = self._known.get(key)
        if known is not None and known[0] == on:
            return known[1]
        body = self._reasons(record)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = on, body
        return body

    def _reasons(self, record: Record) -> str:
        values = self._values(record)
        for field in _SHARED:
            if field.name not in values:
                values[field.name] = getattr(record, field.name)
        return written(_SHARED, values, self._clean)

    def _values(self, record: Record) -> Values:
        """The values of fields that are no attributes of a record."""
        principal, rule, policy = record.principal, record.rule, record.policy
        return {
            "agent": None if principal is None else principal.agent,
            "identity": None if principal is None else principal.assurance.word,
            "assurance": None if principal is None else principal.assurance.word,
            "proof": None if principal is None else principal.proof,
            "conflicts": [] if principal is None else list(map(self._conflict, principal.conflicts)),
            "verdict": record.verdict or record.ended.value,
            "rule": record.says,
            "rule_id": None if rule is None else rule.id,
            "config": None if policy is None else policy.digest,
            "turn": record.turn or None,
            **dict.fromkeys(("protocol", "action", "target", "standing")),
            **of_text(record, self._texts, self._redactor),
        }

    def _conflict(self, claim: Claim) -> Values:
        return {"place": claim.place, "field": claim.field[:_LONGEST_NAME], "name": self._name_of(claim)}

    def _name_of(self, claim: Claim) -> str | None:
        if claim.name is None:
            return None
        if self._redactor.hides_header(claim.field) or self._redactor.hides_field(claim.field):
            return BLOT
        return self._redactor.clean(claim.name[:LONGEST_VALUE])[:_LONGEST_NAME]
