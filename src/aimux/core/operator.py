"""Operators: who reads the gateway's pages and gives it commands, and how that was proved."""

from enum import StrEnum

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
