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
from aimux.core.decision import Permit
from aimux.core.endpoints import MODELS
from aimux.core.gates import identify
from aimux.core.identity import Claim, Place, Principal
from aimux.core.policy import Policy
from aimux.core.prefixes import Address
from aimux.core.reason import Failure, Reason
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.refusal import Refusal, after_failure, no_such_model
from aimux.core.request import SILENT, ChosenBy, Facts, Learnt, Need, NeedBody, NeedScores, Opaque, Reading
from aimux.core.rules import Rule, sentence
from aimux.core.scores import Found
from aimux.core.standing import INITIAL
from aimux.gateway.answers import model_body
from aimux.gateway.decided import is_decided, is_known
from aimux.gateway.naming import names_of
from aimux.gateway.own_models import answers_models
from aimux.gateway.rescoring import (
    Unproved,
    Version,
    applying,
    passes_again,
    passing_scores,
    refuses_again,
    refusing_scores,
    scores_again,
)
from aimux.gateway.settle import settle_now
from aimux.wire.prefixes import recorded_address

PERMITTED: Final = frozenset({VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED})
_OPAQUE: Final = {Rule.TEXT_TOKEN_IDS: Opaque.TOKENS, Rule.GUARD_UNHEARD: Opaque.UNHEARD}
_BY_OTHER_TEXTS: Final = frozenset({ChosenBy.EARLIER_TURN.value, ChosenBy.LIST.value})
# The dialects of requests whose body said nothing.
_OF_HEADS: Final = ("", "query")
_WITHOUT_TEXT: Final = frozenset({ChosenBy.PATH.value, ChosenBy.NOTHING.value})
_NOBODY: Final = ""
_SOMETHING: Final = "?"
_MOST_REMEMBERED: Final = 16384
# Before records named their standing, there was but one.
_STANDINGS: Final = frozenset({None, INITIAL.digest})

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
    STANDING = "unknown_standing"


@dataclass(frozen=True, slots=True)
class Aside:
    """A request that no policy has decided: it could not be read, or was not served to this point."""


ASIDE: Final = Aside()


@dataclass(frozen=True, slots=True)
class Judged:
    """What would be decided. `route` is the one that is forwarded to, None for a refusal."""

    verdict: str
    route: str | None
    rule: Rule | None
    says: str
    basis: Basis = Basis.EXACT


Result = Judged | Unjudged | Aside


class _Unknown(Exception):  # noqa: N818  (it is no error: a fact is not in the record)
    def __init__(self, why: Unjudged) -> None:
        super().__init__(why.value)
        self.why = why


def before(decided: Decided) -> tuple[str, str | None]:
    """What was decided, in the terms of `Judged`: the verdict, and the route that was forwarded to."""
    return decided.verdict, decided.route if decided.verdict in PERMITTED else None


class Replay:
    """Decides recorded requests by one configuration. `old` are known ones, by digest; `score` scores a text."""

    def __init__(self, new: Version, old: Mapping[str, Version], score: Score) -> None:
        self._new = new
        self._old = {**old, new.policy.digest: new}
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
        if not is_known(decided):
            return Unjudged.RECORD
        if not is_decided(decided):
            return ASIDE
        if decided.standing not in _STANDINGS:
            return Unjudged.STANDING
        found = self._decide(decided, is_whole=is_whole)
        is_sure = isinstance(found, Judged) and found.basis is Basis.EXACT
        if not is_sure and (decided.config, decided.model) == (self._new.policy.digest, self._new.model):
            return Judged(*before(decided), decided.rule, decided.says, Basis.SAME_CONFIGURATION)
        return found

    def _decide(self, decided: Decided, *, is_whole: bool) -> Judged | Unjudged:
        new, old = self._new.policy, self._old.get(decided.config or "")
        if old is not None and old.policy.identity != new.identity:
            return Unjudged.IDENTITY
        if decided.verdict == Reason.UNKNOWN_AGENT.code:
            return _unregistered(new, None if old is None else old.policy)
        claims = () if decided.agent is None else (_claim(decided.agent),)
        if decided.rule is Rule.GATEWAY_PREFLIGHT:
            return _answered(decided, claims, new)
        try:
            address = None if new.prefixes is None else recorded_address(decided.path, new.prefixes)
        except Failure as failure:
            return _judged(after_failure(failure))
        if decided.chosen_by in _BY_OTHER_TEXTS:
            return Unjudged.OTHER_TEXTS
        facts = replace(self._facts(decided, claims, old), now=decided.time)
        names = names_of(decided, new, None if old is None else old.policy)
        first: Judged | None = None
        for name in names:
            named = _named(facts, name, address)
            if answers_models(named, new):
                found: Judged | Unjudged = _answered(decided, claims, new)
            else:
                found = self._by_name(named, decided, old, is_whole=is_whole)
            if isinstance(found, Unjudged):
                return found
            if first is not None and (found.verdict, found.route) != (first.verdict, first.route):
                return Unjudged.NAMING if None in names else Unjudged.ROUTE_NAME
            first = first or found
        return first or Unjudged.RECORD

    def _facts(self, decided: Decided, claims: tuple[Claim, ...], old: Version | None) -> Facts:
        """All but the route's name; where the body may not have been read, it is not known."""
        method, path, opaque = decided.method, decided.path, None if decided.rule is None else _OPAQUE.get(decided.rule)
        if decided.text is not None or decided.text_digest is not None:
            text = decided.text or _SOMETHING
            # Neither the other texts of a list nor what the user said before is recorded.
            others = (_SOMETHING,) if decided.is_listed else ()
            is_last = self._new.policy.follow_ups and decided.dialect == "messages"
            if others or is_last or opaque:
                earlier = None if is_last else ()
                said = Reading((), text, decided.dialect, listed=others, earlier=earlier, opaque=opaque)
                return Facts(Reading(claims), body=said, method=method, path=path)
            return Facts(Reading(claims, text, decided.dialect), body=SILENT, method=method, path=path)
        was_guarded = old is not None and bool(applying(old.policy, decided.agent))
        # A body that was read for a name only, and is of a type that says none, may say much to who listens.
        is_heard_alike = not self._new.policy.hears or (old is not None and old.policy.hears)
        was_read = was_guarded or bool(decided.dialect) or decided.verdict == Reason.NO_TEXT.code
        is_looked_for = not claims or decided.chosen_by in _WITHOUT_TEXT
        was_read = was_read or opaque is not None or (is_looked_for and is_heard_alike)
        # It may also be of a kind that a guard, which applies only now, cannot hear.
        is_hearable = was_guarded or decided.dialect not in _OF_HEADS or not applying(self._new.policy, decided.agent)
        was_read = was_read and (is_hearable or opaque is not None)
        # Where no text said where to, guards may have heard others, which are not recorded.
        read = Reading(beside=(_SOMETHING,) if decided.dialect else (), opaque=opaque)
        return Facts(Reading(claims), body=read if was_read else None, method=method, path=path)

    def _by_name(self, facts: Facts, decided: Decided, old: Version | None, *, is_whole: bool) -> Judged | Unjudged:
        basis = Basis.EXACT

        def learn(need: Need) -> Learnt:
            nonlocal basis
            if isinstance(need, NeedBody):
                raise _Unknown(Unjudged.BODY)
            if not isinstance(need, NeedScores):
                raise _Unknown(Unjudged.OTHER_TEXTS)
            scored = self._scored(facts, decided, old, is_whole=is_whole)
            if isinstance(scored, Unjudged):
                raise _Unknown(scored)
            scores, basis = scored
            return scores

        try:
            decision = settle_now(facts, self._new.policy, INITIAL, learn)
        except _Unknown as unknown:
            return unknown.why
        return _judged(decision, basis)

    def _scored(
        self, facts: Facts, decided: Decided, old: Version | None, *, is_whole: bool
    ) -> tuple[Found, Basis] | Unjudged:
        new = self._new
        if refuses_again(decided, old, new):
            return refusing_scores(new.policy), Basis.EXACT
        if facts.route_name is not None and passes_again(decided, old, new):
            return passing_scores(new.policy), Basis.EXACT
        if is_whole and decided.text is not None:
            # Something else may have been said beside the text, which is not recorded.
            sure = not new.policy.all_messages and passes_again(decided, old, new)
            return self._score(decided.text), Basis.EXACT if sure else Basis.TEXT_ALONE
        found = scores_again(decided, old, new, facts)
        if not isinstance(found, Unproved):
            return found, Basis.SCORES
        if found is Unproved.PARTS:
            return Unjudged.PARTS
        if decided.is_blotted:
            return Unjudged.BLOTTED
        return Unjudged.NO_TEXT if decided.text is None else Unjudged.EXCERPT


def _named(facts: Facts, name: str | None, address: Address | None) -> Facts:
    """The facts of a request whose header names `name`, and whose path addresses a route by a prefix where it does."""
    if address is None:
        return replace(facts, route_name=name)
    route, path = address.prefix.route, address.rest.decode("latin-1")
    differ = name not in {None, route}
    return replace(facts, route_name=route, path=path, named_by=ChosenBy.PREFIX, names_differ=differ)


def _learn_nothing(need: Need) -> Learnt:
    raise TypeError(f"nothing is to be learnt of an unregistered caller, and {type(need).__name__} is needed")


def _claim(name: str) -> Claim:
    return Claim(Place.HEADER, "", name)


def _unregistered(new: Policy, old: Policy | None) -> Judged | Unjudged:
    """What becomes of a caller whose name, which is not recorded, the old configuration did not have."""
    if new.agents.keys() - (old.agents.keys() if old else frozenset()):
        return Unjudged.CALLER
    return _judged(settle_now(Facts(Reading((_claim(_NOBODY),)), body=SILENT), new, INITIAL, _learn_nothing))


def _answered(decided: Decided, claims: tuple[Claim, ...], new: Policy) -> Judged:
    principal = identify(Facts(Reading(claims), body=SILENT), new)
    if isinstance(principal, Refusal):
        return _judged(principal)
    if not isinstance(principal, Principal):
        raise TypeError("who sends a request that brings nothing but a claim is known")
    _, asks_for_one, name = decided.path.partition(f"{MODELS}/")
    if decided.rule is Rule.GATEWAY_PREFLIGHT:
        return Judged(VERDICT_ANSWERED, decided.route, decided.rule, decided.says)
    if asks_for_one and model_body(name, principal, new) is None:
        return _judged(no_such_model(principal))
    return Judged(VERDICT_ANSWERED, None, Rule.GATEWAY_MODELS, sentence(Rule.GATEWAY_MODELS))


def _judged(decision: Permit | Refusal, basis: Basis = Basis.EXACT) -> Judged:
    if isinstance(decision, Refusal):
        return Judged(decision.reason.code, None, decision.rule, decision.says, basis)
    verdict = VERDICT_FALLBACK if decision.is_fallback else VERDICT_FORWARD
    return Judged(verdict, decision.route.name, decision.rule, decision.says, basis)
