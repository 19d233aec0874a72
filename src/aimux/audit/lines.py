"""The two records of a request as bodies of lines: what was decided and why, and what became of it.

Both are paid with every request, so that what does not change from one to the next is put together once. Names and
their order come from the table of fields. What stands in a field is the attribute of its name in `Record`, where
`_values` says nothing else.
"""

from collections.abc import Callable
from dataclasses import fields as attributes_of
from operator import attrgetter
from typing import Any, Final, NamedTuple

from aimux.audit.format.field import WrittenIn
from aimux.audit.format.writing import (
    LONGEST_VALUE,
    Members,
    blotted,
    fields_in,
    member,
    milliseconds,
    moment,
    openings,
)
from aimux.audit.recorded_text import TextPolicy, Values, of_text
from aimux.audit.redact import BLOT, Redactor
from aimux.core.identity import Claim
from aimux.core.policy import Policy
from aimux.core.record import Record
from aimux.core.request import Action

_MOST_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 1024
_LONGEST_QUOTED: Final = 256
_LONGEST_NAME: Final = 64
_CLIENTS, _UPSTREAMS, _FAULT = "client_request_id", "upstream_request_id", "fault"
_ID_HEADERS: Final = ("X-Request-ID", "Request-ID")
_WORDS: Final = {None: "null", True: "true", False: "false"}

# What every request has of its own stands first in a decision; the rest is remembered together.
_OWN: Final = ("time", "request_id", "trace_id", "cached", "decided_ms")
_TIME, _REQUEST, _TRACE, _CACHED, _DECIDED = openings(WrittenIn.DECISION, *_OWN)
_SHARED: Final = Members([each for each in fields_in(WrittenIn.DECISION) if each.name not in (*_OWN, _CLIENTS)])
_ENDING: Final = (
    *("time", "request_id", "decision", "verdict", "status", "bytes", "model_ms", "upstream_ms", "total_ms", "ended"),
)
_ENDED_AT, _OF, _DECISION, _VERDICT, _STATUS, _BYTES, _MODEL, _UPSTREAM, _TOTAL, _ENDED = openings(
    WrittenIn.OUTCOME, *_ENDING
)
_NAMED: Final = (*_ENDING, _UPSTREAMS, _FAULT)
_ADDED: Final = Members([each for each in fields_in(WrittenIn.OUTCOME) if each.name not in _NAMED])

# What the shared fields may depend on: all that is known of a request but for this. Of texts and scores that were not
# recorded, no more counts than is shown. Policies are the same or not: equal ones take milliseconds to compare.
_UNSHARED: Final = frozenset(
    {
        *("request_id", "trace", "began", "status", "cached", "model_seconds", "upstream_seconds", "total_seconds"),
        *("response_bytes", "fault", "scoring_began", "decided_seconds", "forwarding_began", "said", "audited"),
        *("client_request_id", "upstream_request_id", "match", "policy", "scored"),
    }
)
_ON: Final[Callable[[Record], tuple[Any, ...]]] = attrgetter(
    "said.field", *(each.name for each in attributes_of(Record) if each.name not in _UNSHARED)
)


class _Known(NamedTuple):
    """The shared fields of a request that are remembered, and all that they depend on."""

    policy: Policy | None
    judging: Policy | None
    on: tuple[object, ...]
    body: str


class Scribe:
    """Writes the bodies of records. Secrets are blotted out before anything else is done with a text."""

    def __init__(self, texts: TextPolicy, redactor: Redactor) -> None:
        self._texts = texts
        self._redactor = redactor
        self._known: dict[tuple[str | None, str | None, str], _Known] = {}

    def decision(self, record: Record) -> str:
        """What is written before anything of a request goes to an upstream, or when it was refused."""
        named = record.client_request_id
        client = "" if named is None else self._named("client", named)
        return (
            f"{_TIME}{moment(record.began)}{_REQUEST}{record.request_id}{_TRACE}{record.trace.trace_id}"
            f"{_CACHED}{_WORDS[record.cached]}{_DECIDED}{milliseconds(record.decided_seconds)}{client},{self._why(record)}"
        )

    def outcome(self, record: Record, decision: int, now: float) -> str:
        """What is written when a request has ended; `decision` is the number of its first record."""
        fault, named, ended = record.fault, record.upstream_request_id, record.ended.value
        upstream = "" if named is None else self._named("upstream", named)
        cause = member(_FAULT, blotted(fault, self._redactor.clean)) if fault else ""
        added = f",{self._added(record)}" if _ADDED.names else "}"
        return (
            f"{_ENDED_AT}{moment(now)}{_OF}{record.request_id}{_DECISION}{decision}"
            f"{_VERDICT}{record.verdict or ended}{_STATUS}{record.status}{_BYTES}{record.response_bytes}"
            f"{_MODEL}{milliseconds(record.model_seconds)}{_UPSTREAM}{milliseconds(record.upstream_seconds)}"
            f'{_TOTAL}{milliseconds(record.total_seconds)}{_ENDED}{ended}"{upstream}{cause}{added}'
        )

    def _added(self, record: Record) -> str:
        """Fields of an outcome that are attributes of a record."""
        return _ADDED.written({name: getattr(record, name) for name in _ADDED.names}, self._redactor.clean)

    def _named(self, whose: str, request_id: str) -> str:
        """The field for what the client or the upstream calls the request."""
        hidden = any(map(self._redactor.hides_header, (*_ID_HEADERS, f"X-{whose}-Request-ID")))
        return member(f"{whose}_request_id", BLOT if hidden else self._redactor.clean(request_id))

    def _why(self, record: Record) -> str:
        """Who asked what of whom, and what was made of it: mostly the same from one request to the next."""
        said, principal, action = record.said, record.principal, record.action
        text = None if said is None else said.text
        quoted = len(record.path) + (0 if action is None else len(action.method) + len(action.target or ""))
        if said is None or len(text or "") > _LONGEST_REMEMBERED or quoted > _LONGEST_QUOTED:
            return self._reasons(record)
        if principal is not None and principal.conflicts:
            return self._reasons(record)
        key = text, None if principal is None else principal.agent, record.dialect
        found, (judging, scores) = record.match, record.scored or (None, None)
        lead = None if found is None else (found.best, found.score, found.runner_up, found.runner_up_score, found.part)
        policy, on = record.policy, (len(said.listed), lead, scores, _ON(record))
        known = self._known.get(key)
        if known is not None and known.policy is policy and known.judging is judging and known.on == on:
            return known.body
        body = self._reasons(record)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = _Known(policy, judging, on, body)
        return body

    def _reasons(self, record: Record) -> str:
        values = self._values(record)
        for name in _SHARED.names:
            if name not in values:
                values[name] = getattr(record, name)
        return _SHARED.written(values, self._redactor.clean)

    def _values(self, record: Record) -> Values:
        """The values of fields that are no attributes of a record."""
        principal, rule, policy, action = record.principal, record.rule, record.policy, record.action
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
            "protocol": None if action is None else action.protocol,
            "action": None if action is None else action.method,
            "target": None if action is None else self._target(action),
            "standing": None if record.standing is None else record.standing.digest,
            **of_text(record, self._texts, self._redactor),
        }

    def _target(self, action: Action) -> str | None:
        hidden = action.target is not None and self._redactor.hides_field(action.target_field)
        return BLOT if hidden else action.target

    def _conflict(self, claim: Claim) -> Values:
        return {"place": claim.place, "field": claim.field[:_LONGEST_NAME], "name": self._name_of(claim)}

    def _name_of(self, claim: Claim) -> str | None:
        if claim.name is None:
            return None
        if self._redactor.hides_header(claim.field) or self._redactor.hides_field(claim.field):
            return BLOT
        return self._redactor.clean(claim.name[:LONGEST_VALUE])[:_LONGEST_NAME]
