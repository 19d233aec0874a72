"""Operators: who reads the gateway's pages and gives it commands, and how that was proved."""

from enum import StrEnum
from typing import Final

from aimux.core.values import value


class Role(StrEnum):
    """What an operator may do: a viewer reads, an operator gives commands too."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class OperatorProof(StrEnum):
    """The means by which an operator proves itself."""

    TOKEN = "token"  # noqa: S105  (the word of records)
    """A bearer token."""
    PEER_UID = "peer_uid"
    """The user of the process at the other end of a Unix socket, as the kernel tells it."""


@value
class Operator:
    """Somebody who has proved to be an operator. `name` is that of the configuration, or `uid:1000` of a socket."""

    name: str
    role: Role
    proof: OperatorProof

    @property
    def commands(self) -> bool:
        """Whether it may give commands."""
        return self.role is Role.OPERATOR


ACCEPTED: Final = "accepted"
"""The verdict of a command that is carried out."""


@value
class Command:
    """A command as it is recorded. `time` is in seconds since the epoch, `name` None for one that does not exist.

    `operator` is None where nobody proved to be one. `verdict` is `accepted`, or the code of the refusal, of which
    `detail` says more. `before` and `after` are what it changes, as it stands and as it is to be; None where there is
    nothing to say.
    """

    time: float
    request_id: str
    peer: str
    name: str | None
    operator: Operator | None
    verdict: str
    detail: str = ""
    before: str | None = None
    after: str | None = None
