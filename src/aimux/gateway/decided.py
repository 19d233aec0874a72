"""Which records tell of a decision that a policy has made."""

from typing import Final

from aimux.audit.decisions import Decided
from aimux.audit.format.reading import is_understood
from aimux.core.identity import Assurance
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD, Ended
from aimux.core.rules import Rule
from aimux.gateway.naming import ROUTE_REFUSED

_BEFORE_NAMING: Final = frozenset({Reason.GUARD_REFUSED.code, Reason.TEXT_TOO_LONG.code, Reason.BAD_REQUEST.code})
_DECIDED: Final = frozenset(
    {
        *(VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED, *ROUTE_REFUSED, *_BEFORE_NAMING),
        *(Reason.NO_ROUTE.code, Reason.AMBIGUOUS_ROUTE.code, Reason.NO_TEXT.code, Reason.UNKNOWN_AGENT.code),
        Reason.UNSUPPORTED_MEDIA_TYPE.code,
    }
)
_KNOWN: Final = frozenset({*(reason.code for reason in Reason), *(ended.value for ended in Ended)})


def is_known(decided: Decided) -> bool:
    """Whether this version writes such records."""
    if not is_understood(decided.schema):
        return False
    if decided.verdict not in _KNOWN | _DECIDED:
        return False
    if not is_decided(decided):
        return True
    if decided.rule is None:  # which facts a record implies depends on the rule
        return False
    if decided.config is None or (decided.route is None and decided.verdict in {VERDICT_FORWARD, *ROUTE_REFUSED}):
        return False
    if decided.verdict == Reason.UNKNOWN_AGENT.code:
        return decided.identity is None
    claimed = decided.identity == Assurance.CLAIMED.word and decided.agent is not None
    return claimed or (decided.identity == Assurance.NONE.word and decided.agent is None)


def is_decided(decided: Decided) -> bool:
    """Whether a policy has decided: what cannot be read is refused before, without a caller."""
    if decided.verdict == Reason.BAD_REQUEST.code:
        return decided.identity is not None
    if decided.verdict == Reason.UNSUPPORTED_MEDIA_TYPE.code:
        return decided.rule is Rule.GUARD_UNHEARD
    return decided.verdict in _DECIDED
