"""Recorded decisions made again under another configuration, by `decide`, as far as the records allow.

A record says who asked, and implies some of what it does not say. Where several requests would have left the same
record and would not all be decided alike, it is not judged. What is judged in part (`Basis`) could turn out to be
refused, and never the other way round: nothing newly allowed or rerouted is taken for unchanged.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aimux.audit.decisions import Decided
from aimux.core.decision import Forward, decide
from aimux.core.identity import identify
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD, Ended
from aimux.core.refusal import NO_INTENTS_RULE, NO_SUCH_ROUTE_RULE, Refuse
from aimux.core.request import SILENT, Ask, ChosenBy, Claim, Established, Facts, Found, Need, Place, Principal, Reading
from aimux.core.snapshot import FALLBACK_NAME, Snapshot
from aimux.gateway.rescoring import (
    Policy,
    Unproved,
    applying,
    passes_again,
    passing_scores,
    refuses_again,
    refusing_scores,
    scores_again,
)

PERMITTED: Final = frozenset({VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED})
_ROUTE_REFUSED: Final = frozenset({Reason.ROUTE_FORBIDDEN.code, Reason.ANONYMOUS_FORBIDDEN.code})
_BEFORE_NAMING: Final = frozenset({Reason.GUARD_REFUSED.code, Reason.TEXT_TOO_LONG.code, Reason.BAD_REQUEST.code})
_DECIDED: Final = frozenset(
    {
        *(VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED, *_ROUTE_REFUSED, *_BEFORE_NAMING),
        *(Reason.NO_ROUTE.code, Reason.AMBIGUOUS_ROUTE.code, Reason.NO_TEXT.code, Reason.UNKNOWN_AGENT.code),
    }
)
_KNOWN: Final = frozenset({*(reason.code for reason in Reason), *(ended.value for ended in Ended)})
_BY_OTHER_TEXTS: Final = frozenset({ChosenBy.EARLIER_TURN.value, ChosenBy.LIST.value})
_NOBODY: Final = ""
_NOWHERE: Final = ""
_SOMETHING: Final = "?"
_MOST_REMEMBERED: Final = 16384

Names = tuple[str | None, ...]
Score = Callable[[str], Found]


class Basis(StrEnum):
    """What a decision was made again on: all that counts, a text without what else was said, a text's scores.

    Or it needs not be made again, since this very configuration has made it.
    """

    EXACT = "exact"
    TEXT_ALONE = "text_alone"
    SCORES = "scores"
    SAME_CONFIGURATION = "same_configuration"


class Unjudged(StrEnum):
    """Why a decision cannot be made again."""

    NO_TEXT = "text_not_recorded"
    EXCERPT = "text_cut"
    BLOTTED = "text_blotted"
    PARTS = "parts_could_decide"
    BODY = "body_not_read"
    CALLER = "unknown_caller"
    ROUTE_NAME = "unknown_route_name"
    NAMING = "unknown_naming"
    IDENTITY = "identity_elsewhere"
    RECORD = "unknown_record"
    OTHER_TEXTS = "other_texts_not_recorded"


@dataclass(frozen=True, slots=True)
class Aside:
    """A request that no policy has decided: it could not be read, or was not served to this point."""


ASIDE: Final = Aside()


@dataclass(frozen=True, slots=True)
class Judged:
    """What would be decided. `route` is the one that is forwarded to, None for a refusal."""

    verdict: str
    route: str | None
    rule: str
    basis: Basis = Basis.EXACT


Result = Judged | Unjudged | Aside


def before(decided: Decided) -> tuple[str, str | None]:
    """What was decided, in the terms of `Judged`: the verdict, and the route that was forwarded to."""
    return decided.verdict, decided.route if decided.verdict in PERMITTED else None


class Replay:
    """Decides recorded requests by one configuration. `old` are known ones, by digest; `score` scores a text."""

    def __init__(self, new: Policy, old: Mapping[str, Policy], score: Score) -> None:
        self._new = new
        self._old = {**old, new.snapshot.digest: new}
        self._score = score
        self._known: OrderedDict[Decided, Result] = OrderedDict()

    def knows(self, decided: Decided) -> bool:
        """Whether the configuration that decided this is known."""
        return decided.config in self._old

    def judge(self, decided: Decided) -> Result:
        """What would become of one request. Raises what `score` raises."""
        is_whole = decided.is_whole
        # Of a text that is whole the digest says all.
        shown = "" if is_whole else None if decided.text is None else "***" if decided.is_blotted else _SOMETHING
        key = replace(decided, time=0.0, request_id="", text=shown)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._judge(decided, is_whole=is_whole)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return found

    def _judge(self, decided: Decided, *, is_whole: bool) -> Result:
        if not _is_known(decided):
            return Unjudged.RECORD
        if not _is_decided(decided):
            return ASIDE
        found = self._decide(decided, is_whole=is_whole)
        is_sure = isinstance(found, Judged) and found.basis is Basis.EXACT
        if not is_sure and (decided.config, decided.model) == (self._new.snapshot.digest, self._new.model):
            return Judged(*before(decided), decided.rule, Basis.SAME_CONFIGURATION)
        return found

    def _decide(self, decided: Decided, *, is_whole: bool) -> Judged | Unjudged:
        new, old = self._new.snapshot, self._old.get(decided.config or "")
        if old is not None and old.snapshot.identity != new.identity:
            return Unjudged.IDENTITY
        if decided.verdict == Reason.UNKNOWN_AGENT.code:
            return _unregistered(new, None if old is None else old.snapshot)
        claims = () if decided.agent is None else (_claim(decided.agent),)
        if decided.verdict == VERDICT_ANSWERED:
            return _answered(decided, claims, new)
        if decided.chosen_by in _BY_OTHER_TEXTS:
            return Unjudged.OTHER_TEXTS
        facts = self._facts(decided, claims, old)
        names = _names(decided, new, None if old is None else old.snapshot)
        first: Judged | None = None
        for name in names:
            found = self._by_name(replace(facts, route_name=name), decided, old, is_whole=is_whole)
            if isinstance(found, Unjudged):
                return found
            if first is not None and (found.verdict, found.route) != (first.verdict, first.route):
                return Unjudged.NAMING if None in names else Unjudged.ROUTE_NAME
            first = first or found
        return first or Unjudged.RECORD

    def _facts(self, decided: Decided, claims: tuple[Claim, ...], old: Policy | None) -> Facts:
        """All but the route's name; where the body may not have been read, it is not known."""
        method, path = decided.method, decided.path
        if decided.text is not None or decided.text_digest is not None:
            text = decided.text or _SOMETHING
            # Neither the other texts of a list nor what the user said before is recorded.
            others = (_SOMETHING,) if decided.is_listed else ()
            is_last = self._new.snapshot.follow_ups and decided.dialect == "messages"
            if others or is_last:
                said = Reading((), text, decided.dialect, listed=others, earlier=None if is_last else ())
                return Facts(Reading(claims), body=said, method=method, path=path)
            return Facts(Reading(claims, text, decided.dialect), body=SILENT, method=method, path=path)
        was_guarded = old is not None and bool(applying(old.snapshot, decided.agent))
        # A body that was read for a name only, and is of a type that says none, may say much to who listens.
        is_heard_alike = not self._new.snapshot.hears or (old is not None and old.snapshot.hears)
        was_read = was_guarded or bool(decided.dialect) or decided.verdict == Reason.NO_TEXT.code
        was_read = was_read or (not claims and is_heard_alike)
        # Where no text said where to, guards may have heard others, which are not recorded.
        read = Reading(beside=(_SOMETHING,)) if decided.dialect else SILENT
        return Facts(Reading(claims), body=read if was_read else None, method=method, path=path)

    def _by_name(self, facts: Facts, decided: Decided, old: Policy | None, *, is_whole: bool) -> Judged | Unjudged:
        decision, basis = decide(facts, self._new.snapshot), Basis.EXACT
        if isinstance(decision, Ask) and decision.need is Need.BODY:
            return Unjudged.BODY
        if isinstance(decision, Ask):
            scored = self._scored(facts, decided, old, is_whole=is_whole)
            if isinstance(scored, Unjudged):
                return scored
            scores, basis = scored
            decision = decide(replace(facts, scores=scores), self._new.snapshot)
        if isinstance(decision, Ask) and decision.need in {Need.MORE, Need.EARLIER}:
            return Unjudged.OTHER_TEXTS
        if isinstance(decision, Ask):
            raise TypeError("a decision asks for what it has")
        return _judged(decision, basis)

    def _scored(
        self, facts: Facts, decided: Decided, old: Policy | None, *, is_whole: bool
    ) -> tuple[Found, Basis] | Unjudged:
        new = self._new
        if refuses_again(decided, old, new):
            return refusing_scores(new.snapshot), Basis.EXACT
        if facts.route_name is not None and passes_again(decided, old, new):
            return passing_scores(new.snapshot), Basis.EXACT
        if is_whole and decided.text is not None:
            # Something else may have been said beside the text, which is not recorded.
            sure = not new.snapshot.all_messages and passes_again(decided, old, new)
            return self._score(decided.text), Basis.EXACT if sure else Basis.TEXT_ALONE
        found = scores_again(decided, old, new, facts)
        if not isinstance(found, Unproved):
            return found, Basis.SCORES
        if found is Unproved.PARTS:
            return Unjudged.PARTS
        if decided.is_blotted:
            return Unjudged.BLOTTED
        return Unjudged.NO_TEXT if decided.text is None else Unjudged.EXCERPT


def _is_known(decided: Decided) -> bool:
    """Whether this version writes such records."""
    if decided.verdict not in _KNOWN | _DECIDED:
        return False
    if not _is_decided(decided):
        return True
    if decided.config is None or (decided.route is None and decided.verdict in {VERDICT_FORWARD, *_ROUTE_REFUSED}):
        return False
    if decided.verdict == Reason.UNKNOWN_AGENT.code:
        return decided.identity is None
    claimed = decided.identity == Established.CLAIMED and decided.agent is not None
    return claimed or (decided.identity == Established.NONE and decided.agent is None)


def _is_decided(decided: Decided) -> bool:
    """Whether a policy has decided: what cannot be read is refused before, without a caller."""
    if decided.verdict == Reason.BAD_REQUEST.code:
        return decided.identity is not None
    return decided.verdict in _DECIDED


def _claim(name: str) -> Claim:
    return Claim(Place.HEADER, "", name)


def _unregistered(new: Snapshot, old: Snapshot | None) -> Judged | Unjudged:
    """What becomes of a caller whose name, which is not recorded, the old configuration did not have."""
    if new.agents - (old.agents if old else frozenset()):
        return Unjudged.CALLER
    decision = decide(Facts(Reading((_claim(_NOBODY),)), body=SILENT), new)
    if isinstance(decision, Ask):
        raise TypeError("nothing is to be learnt of an unregistered caller")
    return _judged(decision)


def _answered(decided: Decided, claims: tuple[Claim, ...], new: Snapshot) -> Judged:
    principal = identify(Facts(Reading(claims), body=SILENT), new)
    if isinstance(principal, Principal):
        return Judged(VERDICT_ANSWERED, decided.route, decided.rule)
    if isinstance(principal, Ask):
        raise TypeError("the identity of a request without a body is known")
    return _judged(principal)


def _judged(decision: Forward | Refuse, basis: Basis = Basis.EXACT) -> Judged:
    if isinstance(decision, Refuse):
        return Judged(decision.reason.code, None, decision.rule, basis)
    permit = decision.permit
    return Judged(VERDICT_FALLBACK if permit.is_fallback else VERDICT_FORWARD, permit.route.name, permit.rule, basis)


def _names(decided: Decided, new: Snapshot, old: Snapshot | None) -> Names:
    """What the request may have given as the name of a route; None where it may have given none."""
    if decided.chosen_by is not None:
        return (decided.route if decided.chosen_by == ChosenBy.NAME else None,)
    if decided.score is not None or decided.verdict in {
        *(VERDICT_FALLBACK, Reason.NO_TEXT.code, Reason.AMBIGUOUS_ROUTE.code)
    }:
        return (None,)
    if decided.verdict == VERDICT_FORWARD:
        return (decided.route,)
    if decided.verdict in _ROUTE_REFUSED:
        return (None,) if decided.route == FALLBACK_NAME else (decided.route,)
    if decided.verdict == Reason.NO_ROUTE.code and decided.rule == NO_INTENTS_RULE:
        return (None,)
    has_text = decided.text is not None or decided.text_digest is not None
    if decided.verdict == Reason.NO_ROUTE.code and (decided.rule == NO_SUCH_ROUTE_RULE or not has_text):
        return (_NOWHERE, *(name for name in new.by_name if old is None or name not in old.by_name))
    if old is not None and not applying(old, decided.agent):
        return (None,)  # a route's name would have been followed without looking at the text
    return (None, _NOWHERE, *new.by_name)
