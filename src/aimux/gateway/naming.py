"""The names of a route that a recorded request may have given in its header, of which no record tells.

What its path addresses by a prefix follows from the recorded path and the prefixes of a policy.
"""

from typing import Final

from aimux.audit.decisions import Decided
from aimux.core.policy import FALLBACK_NAME, Policy
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.request import ChosenBy
from aimux.core.rules import Rule
from aimux.gateway.rescoring import applying
from aimux.wire.prefixes import prefix_route

ROUTE_REFUSED: Final = frozenset({Reason.ROUTE_FORBIDDEN.code, Reason.ANONYMOUS_FORBIDDEN.code})
_NEVER_NAMED: Final = frozenset({VERDICT_FALLBACK, Reason.NO_TEXT.code, Reason.AMBIGUOUS_ROUTE.code})
_WITHOUT_NAME: Final = frozenset({Rule.ROUTE_NO_INTENTS, Rule.GUARD_UNHEARD})
_OF_MODELS: Final = frozenset({Rule.GATEWAY_MODELS, Rule.ROUTE_UNKNOWN_MODEL})
_NOWHERE: Final = ""

Names = tuple[str | None, ...]


def names_of(decided: Decided, new: Policy, old: Policy | None) -> Names:
    """All that the request may have named in its header; None where it may have named none."""
    if decided.chosen_by is not None:
        return _beside_choice(decided)
    addressed = None if old is None else prefix_route(decided.path, old.prefixes)
    if decided.rule is Rule.ROUTE_NAMES_DIFFER:
        return (_NOWHERE, *(name for name in _named_in(new) if name != addressed))
    if addressed is not None:  # another name would have been refused
        return (None, addressed)
    if decided.rule in _OF_MODELS:
        return (None,) if old is not None and old.gives_up_models else (None, _NOWHERE, *_named_in(new))
    return _without_choice(decided, new, old)


def _beside_choice(decided: Decided) -> Names:
    """The names where it is recorded what chose the route."""
    if decided.chosen_by == ChosenBy.PREFIX:
        return (None, decided.route)
    return (decided.route if decided.chosen_by == ChosenBy.NAME else None,)


def _without_choice(decided: Decided, new: Policy, old: Policy | None) -> Names:
    """The names where nothing chose a route, or the record is too old to say what did, and no prefix addressed one."""
    if decided.rule is Rule.TEXT_TOKEN_IDS:
        return _followed_or_not(decided, new, old)
    if decided.score is not None or decided.verdict in _NEVER_NAMED or decided.rule in _WITHOUT_NAME:
        return (None,)
    if decided.verdict == VERDICT_FORWARD:
        return (decided.route,)
    if decided.verdict in ROUTE_REFUSED:
        return (None,) if decided.route == FALLBACK_NAME else (decided.route,)
    has_text = decided.text is not None or decided.text_digest is not None
    if decided.verdict == Reason.NO_ROUTE.code and (decided.rule is Rule.ROUTE_UNKNOWN_NAME or not has_text):
        known = () if old is None else _named_in(old)
        return (_NOWHERE, *(name for name in _named_in(new) if name not in known))
    return _followed_or_not(decided, new, old)


def _followed_or_not(decided: Decided, new: Policy, old: Policy | None) -> Names:
    """Without a guard a name would have been followed, whatever the request says."""
    if old is not None and not applying(old, decided.agent):
        return (None,)
    return (None, _NOWHERE, *_named_in(new))


def _named_in(policy: Policy) -> Names:
    return (*policy.by_name, *(() if policy.fallback is None else (FALLBACK_NAME,)))
