"""What workers answer when they are to make a configuration ready: what stands in its way, and the model in it."""

from collections.abc import Sequence
from typing import Final

from aimux.app.member import Member, MemberEndedError
from aimux.app.messages import Prepared

PREPARING: Final = 120.0
"""Seconds that a worker may take."""

Answer = Prepared | BaseException


def problems_among(members: Sequence[Member], prepared: Sequence[Answer]) -> tuple[str, ...]:
    """What stands in the way, each thing once."""
    found: dict[str, None] = {}
    for member, answer in zip(members, prepared, strict=True):
        if isinstance(answer, Prepared):
            found |= dict.fromkeys(answer.problems)
        elif isinstance(answer, MemberEndedError):
            found[f"{answer} while it took the configuration over: see its last words, and try again"] = None
        else:
            who = f"worker {member.index} (pid {member.pid})"
            found[f"{who} did not take the configuration over in {PREPARING:.0f} s and was ended: try again"] = None
    digests = {answer.model_digest for answer in prepared if isinstance(answer, Prepared)}
    if not found and len(digests) > 1:
        found["the workers have read different models: its file was being written; try again"] = None
    return tuple(found)


def model_among(prepared: Sequence[Answer]) -> str | None:
    """The digest of the model that all have read; None where there is none."""
    return next((answer.model_digest for answer in prepared if isinstance(answer, Prepared)), None)
