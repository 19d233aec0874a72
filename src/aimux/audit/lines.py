"""The two records of a request as bodies of lines: what was decided and why, and what became of it.

Both are paid with every request, so that what does not change from one to the next is put together once.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from operator import is_
from time import gmtime, strftime
from typing import Final

from aimux.audit.redact import BLOT, Redactor
from aimux.core.identity import Claim
from aimux.core.policy import Policy
from aimux.core.record import Record
from aimux.core.request import ChosenBy, Reading
from aimux.core.routing import Match, by_name
from aimux.core.scores import Scores

_ENCODE: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
_MOST_SCORES: Final = 32
_MOST_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 1024
_LONGEST_QUOTED: Final = 128
_LONGEST_VALUE: Final = 512
_LONGEST_NAME: Final = 64
_ID_HEADERS: Final = ("X-Request-ID", "Request-ID")
# Looking for secrets takes time that others wait: of a longer text only this much is looked at and recorded.
_LONGEST_EXCERPTED: Final = 4 * 1024
_LONGEST_FULL: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class TextPolicy:
    """How much of a text is recorded: `full`, an `excerpt` of so many characters, or `none`."""

    text: str = "excerpt"
    excerpt: int = 200

    @property
    def longest(self) -> int:
        """How many characters of a text are looked at; a longer one is hashed as it came."""
        return _LONGEST_FULL if self.text == "full" else max(_LONGEST_EXCERPTED, 2 * self.excerpt)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last decision on an agent's text said, and the objects and the words that it was put together from."""

    found: tuple[object, ...]
    shown: tuple[str | int | None, ...]
    body: str


class Scribe:
    """Writes the bodies of records. Secrets are blotted out before anything else is done with a text."""

    def __init__(self, texts: TextPolicy, redactor: Redactor) -> None:
        self._texts = texts
        self._redactor = redactor
        self._known: dict[tuple[str, str | None], _Known] = {}

    def decision(self, record: Record) -> str:
        """What is written before anything of a request goes to an upstream, or when it was refused."""
        named = "" if record.client_request_id is None else self._named("client", record.client_request_id)
        return (
            f'"kind":"decision","time":"{moment(record.began)}","request_id":"{record.request_id}",'
            f'"trace_id":"{record.trace.trace_id}",{named}{self._why(record)},"cached":{_WORDS[record.cached]},'
            f'"decided_ms":{_milliseconds(record.decided_seconds)}}}'
        )

    def outcome(self, record: Record, decision: int, now: float) -> str:
        """What is written when a request has ended; `decision` is the number of its first record."""
        fault = (
            f'"fault":{_ENCODE(_short(self._redactor.clean(record.fault[:_LONGEST_VALUE])))},' if record.fault else ""
        )
        named = "" if record.upstream_request_id is None else self._named("upstream", record.upstream_request_id)
        model, upstream = record.model_seconds, record.upstream_seconds
        return (
            f'"kind":"outcome","time":"{moment(now)}","request_id":"{record.request_id}","decision":{decision},'
            f'"verdict":"{record.verdict or record.ended.value}","status":{record.status},'
            f'"bytes":{record.response_bytes},"model_ms":{_milliseconds(model)},'
            f'"upstream_ms":{_milliseconds(upstream)},{named}'
            f'"total_ms":{_milliseconds(record.total_seconds)},{fault}"ended":"{record.ended.value}"}}'
        )

    def _named(self, whose: str, request_id: str) -> str:
        """The field for what the client or the upstream calls the request."""
        hidden = any(map(self._redactor.hides_header, (*_ID_HEADERS, f"X-{whose}-Request-ID")))
        return f'"{whose}_request_id":{_ENCODE(BLOT if hidden else self._redactor.clean(request_id))},'

    def _conflicts(self, claims: tuple[Claim, ...]) -> str:
        return _ENCODE(
            [
                {"place": claim.place.value, "field": claim.field[:_LONGEST_NAME], "name": self._name_of(claim)}
                for claim in claims
            ]
        )

    def _name_of(self, claim: Claim) -> str | None:
        if claim.name is None:
            return None
        if self._redactor.hides_header(claim.field) or self._redactor.hides_field(claim.field):
            return BLOT
        return self._redactor.clean(claim.name[:_LONGEST_VALUE])[:_LONGEST_NAME]

    def _why(self, record: Record) -> str:
        """Who asked what of whom, and what was made of it: mostly the same from one request to the next."""
        said = record.said
        text = None if said is None else said.text
        if said is None or text is None or len(text) > _LONGEST_REMEMBERED or len(record.path) > _LONGEST_QUOTED:
            return self._reasons(record)
        policy, scores = record.scored or _NOT_SCORED
        found = (record.policy, policy, scores, record.principal, record.match is None)
        rule = None if record.rule is None else record.rule.id
        shown = (
            *(record.verdict, rule, record.guard, record.route, record.path, record.peer),
            *(record.method, record.dialect, said.field, record.model, record.chosen_by),
            *(record.turn, len(said.listed)),
        )
        key = text, None if record.principal is None else record.principal.agent
        known = self._known.get(key)
        if known is not None and all(map(is_, known.found, found)) and known.shown == shown:
            return known.body
        body = self._reasons(record)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = _Known(found, shown, body)
        return body

    def _reasons(self, record: Record) -> str:
        principal, policy = record.principal, record.policy
        agent, identity = _NOBODY if principal is None else (principal.agent, principal.assurance.word)
        conflicts = () if principal is None else principal.conflicts
        peer, method, path = (_ENCODE(_short(value)) for value in (record.peer, record.method, record.path))
        verdict = record.verdict or record.ended.value
        turn = f'"turn":{record.turn},' if record.turn else ""
        rule = _ENCODE(None if record.rule is None else record.rule.id)
        guard = "" if record.guard is None else f'"guard":{_ENCODE(record.guard)},'
        return (
            f'"agent":{_ENCODE(agent)},"identity":{_ENCODE(identity)},"route":{_ENCODE(record.route)},'
            f'"verdict":{_ENCODE(verdict)},"rule":{_ENCODE(record.says)},"rule_id":{rule},{guard}'
            f'"config":{_ENCODE(None if policy is None else policy.digest)},"model":{_ENCODE(record.model)},'
            f'"conflicts":{self._conflicts(conflicts)},'
            f'"chosen_by":{_CHOSEN_BY[record.chosen_by]},{turn}'
            f'"peer":{peer},"method":{method},"path":{path},"dialect":"{record.dialect}",{self._text(record)}'
        )

    def _text(self, record: Record) -> str:
        """The text, what its scores were, and what they were measured by."""
        said = record.said
        if said is None or said.text is None:
            return _UNSAID
        shown, recorded = self._shown(said, said.text)
        return f"{shown},{_scored(record, *(record.scored or _NOT_SCORED))}{_part(record.match, recorded)}"

    def _shown(self, said: Reading, text: str) -> tuple[str, str]:
        """The fields of the text, and as much of it as they show."""
        if self._redactor.hides_field(said.field):
            return f'"text":"{BLOT}","text_digest":null', ""
        listed = f',"listed":{len(said.listed)}' if said.listed else ""
        texts, longest = self._texts, self._texts.longest
        seen = self._redactor.clean(text[:longest])
        whole = seen if len(text) <= longest else text
        digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
        if texts.text == "none":
            return f'"text":null,"text_digest":"{digest}"{listed}', ""
        limit = texts.excerpt if texts.text == "excerpt" else longest
        recorded = seen[:limit]
        shown = seen if len(seen) <= limit and len(text) <= longest else recorded + "..."
        return f'"text":{_ENCODE(shown)},"text_digest":"{digest}"{listed}', recorded


_NOBODY: Final = (None, None)
_NOT_SCORED: Final = (None, None)
_UNSCORED: Final = '"score":null,"runner_up":null,"margin":null,"ambiguity_threshold":null,"scores":[]'
_UNSAID: Final = f'"text":null,"text_digest":null,{_UNSCORED}'
_CHOSEN_BY: Final[dict[ChosenBy | None, str]] = {None: "null", **{each: f'"{each.value}"' for each in ChosenBy}}
_WORDS: Final = {None: "null", True: "true", False: "false"}


def _scored(record: Record, policy: Policy | None, scores: Scores | None) -> str:
    found = record.match
    if found is None or policy is None or scores is None:
        return _UNSCORED
    best = sorted(by_name(policy, scores), key=lambda pair: -pair[1])[:_MOST_SCORES]
    rows = [[name, round(score, 4), policy.by_name[name].min_score] for name, score in best]
    lead = found.lead
    runner_up = None if lead.runner_up is None else lead.runner_up.name
    margin = None if lead.margin is None else round(lead.margin, 4)
    return (
        f'"score":{round(lead.score, 4)},"runner_up":{_ENCODE(runner_up)},"margin":{_ENCODE(margin)},'
        f'"ambiguity_threshold":{_ENCODE(policy.ambiguity_threshold)},"scores":{_ENCODE(rows)}'
    )


def _part(found: Match | None, recorded: str) -> str:
    """The part of the text that decided, where one did. Its words are shown only where the recorded text shows them."""
    part = None if found is None else found.part
    if part is None:
        return ""
    start, end = part.span or (None, None)
    shown = part.words if part.span is not None and part.words in recorded else None
    of = {"route": part.lead.route.name, "start": start, "end": end, "text": shown, "score": round(part.lead.score, 4)}
    return f',"part":{_ENCODE(of)}'


def _milliseconds(seconds: float | None) -> str:
    # Fixed places take a third of the time that the shortest form of a rounded number takes.
    return "null" if seconds is None else f"{seconds * 1000:.3f}"


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "..."


def moment(seconds: float) -> str:
    """A moment since the epoch as RFC 3339 writes it, in UTC, with microseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1_000_000):06d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
