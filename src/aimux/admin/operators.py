"""Identification of operators, by the token that a request brings or the user at the other end of its socket."""

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aimux.admin.access import came_through_a_proxy, is_same_origin
from aimux.config.consistent_operators import ADMIN_NAME
from aimux.config.operators_section import OperatorConfig
from aimux.core.operator import Operator, OperatorProof, Role
from aimux.core.operator_tokens import is_mistyped
from aimux.edge.exchange import Exchange

_BEARER: Final = re.compile(rb"(?i:bearer) +([!-~]+)")
_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class KnownToken:
    """The SHA-256 of an operator's token, 32 bytes, and who it proves."""

    digest: bytes
    operator: Operator


def known_tokens(operators: Sequence[OperatorConfig], admin_token: str | None) -> tuple[KnownToken, ...]:
    """The tokens of a configuration; `admin_token` proves the operator `admin`."""
    known = [
        KnownToken(
            bytes.fromhex(each.token.digest.removeprefix("sha256:")),
            Operator(each.name, Role(each.role), OperatorProof.TOKEN),
        )
        for each in operators
    ]
    if admin_token is not None:
        operator = Operator(ADMIN_NAME, Role.OPERATOR, OperatorProof.TOKEN)
        known.append(KnownToken(hashlib.sha256(admin_token.encode("utf-8")).digest(), operator))
    return tuple(known)


class Operators:
    """The operators of one configuration. Replaced as a whole when another one is taken over."""

    def __init__(self, tokens: Sequence[KnownToken] = (), uid: int | None = None) -> None:
        """`uid` is the user that this gateway runs as; that of this process where it is left out."""
        self._tokens = tuple(tokens)
        self._uids = frozenset({_ROOT, os.geteuid() if uid is None else uid})

    @property
    def have_tokens(self) -> bool:
        """Whether anybody can prove to be one from anywhere."""
        return bool(self._tokens)

    def who(self, exchange: Exchange) -> Operator | None:
        """The operator who asks, if any. A token that is sent decides alone, also on a Unix socket."""
        if brings_token(exchange):
            token = sent_token(exchange)
            return None if token is None else self._by_token(token)
        return self._by_user(exchange)

    def _by_token(self, token: bytes) -> Operator | None:
        digest = hashlib.sha256(token).digest()
        found = None
        for known in self._tokens:  # all of them, so that the time says nothing of where one matches
            if hmac.compare_digest(known.digest, digest):
                found = known.operator
        return found

    def _by_user(self, exchange: Exchange) -> Operator | None:
        """The user at the other end of a Unix socket. A proxy there is not who asked it, and nor is a browser."""
        uid = exchange.origin.uid
        if uid not in self._uids or came_through_a_proxy(exchange.head) or not is_same_origin(exchange.head):
            return None
        return Operator(f"uid:{uid}", Role.OPERATOR, OperatorProof.PEER_UID)


def brings_token(exchange: Exchange) -> bool:
    """Whether a request wants to prove something by a token."""
    return b"authorization" in exchange.head.first


def sent_token(exchange: Exchange) -> bytes | None:
    """The bearer token as it was sent; None where there is none, or no single one."""
    given = _BEARER.fullmatch(b"\n".join(exchange.head.values(b"authorization")))
    return given.group(1) if given else None


def is_cut_short(exchange: Exchange) -> bool:
    """Whether the token that was sent is one of an operator with a typo in it, or not the whole of one."""
    token = sent_token(exchange)
    return token is not None and is_mistyped(token.decode("ascii"))
