"""Which intents no text can be compared with: those that the model knows too little of, or that it does not read whole.

A configuration that has any is not served: what such an intent is like is not what it says.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aimux.core.policy import Policy
from aimux.intent.encoder import Encoder
from aimux.intent.findings import Code, Finding, Severity, Shown, quoted
from aimux.intent.model import ModelError
from aimux.intent.unknown import Kind, Unknowns, is_unread

_SHORTEN = "shorten it: a few words as a caller says them are best"
_REWORD = "write it in a language that the model knows, which is English for the one that AIMux brings, or remove it"
_OTHERWISE = "write it without these, in words that the model knows"


@dataclass(frozen=True, slots=True)
class _Intent:
    """One intent: of the route or guard with this number and name, its number there, and as messages may show it."""

    route: int | None
    guard: int | None
    name: str
    number: int
    text: str
    shown: str

    @property
    def owner(self) -> str:
        return f"route '{self.name}'" if self.guard is None else f"guard '{self.name}'"


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why an intent cannot be used."""

    code: Code
    what: str
    remedy: str


def unusable_intents(policy: Policy, encoder: Encoder, shown: Shown) -> list[Finding]:
    """The intents with which a configuration is not served, in their order."""
    return [_finding(intent, Severity.ERROR, fault) for intent, fault in _faults(policy, encoder, shown)]


def check_intents(policy: Policy, encoder: Encoder) -> None:
    """Raise ModelError where there are intents with which a configuration is not served. It shows no text of theirs."""
    found = list(_faults(policy, encoder, Shown.of(policy)))
    if found:
        intent, fault = found[0]
        more = f" (and so {len(found) - 1} more: `aimux check` shows each)" if len(found) > 1 else ""
        raise ModelError(f"intent {intent.number + 1} of {intent.owner} {fault.what}{more}; {fault.remedy}")


def partly_unknown(policy: Policy, encoder: Encoder, shown: Shown) -> Iterator[Finding]:
    """The intents of which the model knows most, but not every word."""
    unknowns = Unknowns(encoder)
    what = "has words or characters that the model does not know: whatever stands in their place scores alike"
    for intent in _intents(policy, shown):
        kinds = unknowns.kinds(unknowns.divided(intent.text))
        if Kind.UNKNOWN_WORD in kinds and not is_unread(kinds):
            yield _finding(intent, Severity.WARNING, _Fault(Code.UNREADABLE, what, _OTHERWISE))


def _faults(policy: Policy, encoder: Encoder, shown: Shown) -> Iterator[tuple[_Intent, _Fault]]:
    unknowns = Unknowns(encoder)
    for intent in _intents(policy, shown):
        read = unknowns.read(unknowns.divided(intent.text))
        if len(read.windows) > 1:
            what = f"is longer than the {encoder.max_tokens} tokens that the model reads"
            yield intent, _Fault(Code.TOO_LONG, what, _SHORTEN)
        elif read.windows[0].is_unread:
            what = "is of words or characters that the model does not know, so that any other such text would match it"
            yield intent, _Fault(Code.UNREADABLE, what, _REWORD)


def _intents(policy: Policy, shown: Shown) -> Iterator[_Intent]:
    for place, route in enumerate(policy.routes):
        for number, text in enumerate(route.intents):
            yield _Intent(place, None, route.name, number, text, shown.routes[place][number])
    for place, guard in enumerate(policy.guards):
        for number, text in enumerate(guard.intents):
            yield _Intent(None, place, guard.name, number, text, shown.guards[place][number])


def _finding(intent: _Intent, severity: Severity, fault: _Fault) -> Finding:
    return Finding(
        severity,
        fault.code,
        () if intent.route is None else (intent.name,),
        (intent.shown,),
        None,
        f"intent {quoted(intent.shown)} of {intent.owner} {fault.what}",
        fault.remedy,
        intent.route,
        intent.number,
        guards=() if intent.guard is None else (intent.name,),
        guard=intent.guard,
    )
