"""What can be said of routes without a model: how many intents they have."""

from collections.abc import Iterator
from typing import Final

from aimux.core.snapshot import Snapshot
from aimux.intent.findings import Code, Finding, Severity

FEW_INTENTS: Final = 2
"""Up to here a route's centroid lies on its intents, and says nothing of what they have in common."""

_ADVISED: Final = "five to ten"


def counted(snapshot: Snapshot) -> Iterator[Finding]:
    """The routes with few intents or none, in their order."""
    for number, route in enumerate(snapshot.routes):
        count = len(route.intents)
        if count > FEW_INTENTS:
            continue
        few = Code.FEW_INTENTS if count else Code.BY_NAME_ONLY
        severity = Severity.WARNING if count else Severity.NOTE
        if count:
            what = f"route '{route.name}' has {count} intent{'s' if count > 1 else ''}, which texts in other words miss"
            remedy = f"give it {_ADVISED}, each different in its words"
        else:
            what = f"route '{route.name}' has no intents and is reached by name only"
            remedy = "give it intents if texts are to lead to it"
        yield Finding(severity, few, (route.name,), (), None, what, remedy, number)
