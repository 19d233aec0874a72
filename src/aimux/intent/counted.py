"""What can be said of routes without a model: how many intents they have."""

from collections.abc import Iterator

from aimux.core.snapshot import Snapshot
from aimux.intent.findings import ADVISED, FEW_INTENTS, Code, Finding, Severity


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
            remedy = f"give it {ADVISED}, each different in its words"
        else:
            what = f"route '{route.name}' has no intents and is reached by name only"
            remedy = "give it intents if texts are to lead to it"
        yield Finding(severity, few, (route.name,), (), None, what, remedy, number)
