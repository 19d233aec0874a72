"""Why a text is decided as it is: the judgement, each gate, what the text was near to, and what would change it."""

from dataclasses import dataclass

from aimux.core.policy import Policy
from aimux.core.scores import Stand
from aimux.gateway.adjusted import Case
from aimux.gateway.dry_run import Judgement, judgement
from aimux.gateway.stages import Stage, stages
from aimux.gateway.traced import Traced
from aimux.gateway.ways import Way, decide_case, ways
from aimux.intent.explain import Guarded, Looks, Near, Text


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of a decision. What was not asked for is empty, `text` None where nothing was read.

    `stands` are those of the parts that stand for a route by themselves.
    """

    judgement: Judgement
    decided: Traced
    stages: tuple[Stage, ...]
    text: Text | None
    near: tuple[Near, ...]
    guarded: tuple[Guarded, ...]
    stands: tuple[Stand, ...]
    ways: tuple[Way, ...]


def explain(text: str, agent: str | None, policy: Policy, looks: Looks) -> Explanation:
    """Decide a text from an agent (None: anonymous), and say why so. Raises EncodingError."""
    case = Case(text, agent, None, policy)
    found = decide_case(case, looks)
    scores = found.scores
    return Explanation(
        judgement=judgement(text, agent, found.decision, found.facts, policy),
        decided=found,
        stages=stages(found),
        text=looks.text(text) if scores is not None else None,
        near=() if scores is None else looks.near(text, scores),
        guarded=() if scores is None else looks.guarded(text),
        stands=() if scores is None else scores.stands,
        ways=ways(case, looks),
    )
