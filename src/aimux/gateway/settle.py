"""The one loop of a decision: decide, learn the fact that is needed, decide again, until permitted or refused."""

from collections.abc import Awaitable, Callable
from typing import Final

from aimux.core.decision import Permit, decide
from aimux.core.policy import Policy
from aimux.core.refusal import Refusal
from aimux.core.request import Facts, Learnt, Need
from aimux.core.standing import Standing

_SETTLED: Final = (Permit, Refusal)


async def settle(
    facts: Facts, policy: Policy, standing: Standing, learn: Callable[[Need], Awaitable[Learnt]]
) -> Permit | Refusal:
    """The decision on a request, whose facts are learnt as they are needed and added to `facts`.

    Raises what `learn` raises, and ValueError for scores that do not fit the policy.
    """
    while True:
        decision = decide(facts, policy, standing)
        if isinstance(decision, _SETTLED):
            return decision
        facts.learn(decision, await learn(decision))


def settle_now(facts: Facts, policy: Policy, standing: Standing, learn: Callable[[Need], Learnt]) -> Permit | Refusal:
    """The same where every fact is at hand, and nothing has to be waited for."""

    async def learn_now(need: Need) -> Learnt:
        return learn(need)

    try:
        settle(facts, policy, standing, learn_now).send(None)
    except StopIteration as settled:
        decision: Permit | Refusal = settled.value
        return decision
    raise RuntimeError("a decision waits where nothing is to be waited for")
