"""Who asks: tokens, users of a Unix socket, and nobody; one at a time and in every combination."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.admin.access import is_cross_site, is_loopback
from aimux.admin.operators import Operators, is_cut_short, known_tokens
from aimux.config.consistent_operators import digest_of_token
from aimux.config.operators_section import OperatorConfig
from aimux.core.headers import Trace
from aimux.core.operator import Operator, OperatorProof, Role
from aimux.core.operator_tokens import with_checksum
from aimux.edge.exchange import Exchange
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head

ANN = with_checksum("a" * 43)
ADMIN = "correct-horse-battery-staple"
UID = 1000
TOKENS = {
    ANN: Operator("ann", Role.VIEWER, OperatorProof.TOKEN),
    "bobs-own-words-0123456789": Operator("bob", Role.OPERATOR, OperatorProof.TOKEN),
    ADMIN: Operator("admin", Role.OPERATOR, OperatorProof.TOKEN),
}


def configured(name: str, token: str, role: str) -> OperatorConfig:
    return OperatorConfig.model_validate({"name": name, "token": {"digest": digest_of_token(token)}, "role": role})


OPERATORS = Operators(
    known_tokens(
        [configured(who.name, token, who.role.value) for token, who in TOKENS.items() if who.name != "admin"], ADMIN
    ),
    uid=UID,
)


def asked(*lines: str, peer: str = "127.0.0.1", uid: int | None = None) -> Exchange:
    """A request with these header lines."""
    head = parse_head("\r\n".join(["GET /x HTTP/1.1", "Host: localhost", *lines, "", ""]).encode(), HeadLimits())
    link: Any = None
    return Exchange(
        link, head, Origin(peer, uid=uid), request_id="a", trace=Trace("f" * 32, "e" * 16), started=0.0, max_body=0
    )


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_a_token_proves_its_operator(token: str, scheme: str) -> None:
    assert OPERATORS.who(asked(f"Authorization: {scheme} {token}")) == TOKENS[token]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Authorization: Bearer ",),
        (f"Authorization: Basic {ADMIN}",),
        (f"Authorization: {ADMIN}",),
        (f"Authorization: Bearer {ADMIN[:-1]}",),
        (f"Authorization: Bearer {ADMIN} ,",),
        (f"Authorization: Bearer {ADMIN}", f"Authorization: Bearer {ADMIN}"),
        (f"Authorization: Bearer {hashlib.sha256(ADMIN.encode()).hexdigest()}",),
        (f"Authorization: Bearer {digest_of_token(ADMIN)}",),
    ],
)
def test_anything_else_proves_nobody(lines: tuple[str, ...]) -> None:
    assert OPERATORS.who(asked(*lines)) is None


@pytest.mark.parametrize("token", TOKENS)
def test_without_operators_no_token_proves_anybody(token: str) -> None:
    assert not Operators().have_tokens
    assert Operators().who(asked(f"Authorization: Bearer {token}")) is None


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_of_users_only_the_gateways_own_and_root_are_operators(uid: int) -> None:
    expected = Operator(f"uid:{uid}", Role.OPERATOR, OperatorProof.PEER_UID) if uid in {0, UID} else None
    assert OPERATORS.who(asked(peer="unix", uid=uid)) == expected


@pytest.mark.parametrize("uid", [0, UID, 1])
def test_a_token_on_a_unix_socket_decides_alone(uid: int) -> None:
    assert OPERATORS.who(asked(f"Authorization: Bearer {ANN}", peer="unix", uid=uid)) == TOKENS[ANN]
    assert OPERATORS.who(asked("Authorization: Bearer wrong", peer="unix", uid=uid)) is None


@pytest.mark.parametrize(
    "line",
    [
        *("X-Forwarded-For: 127.0.0.1", "Forwarded: for=x", "X-Real-IP: ::1", "Via: 1.1 proxy"),
        *("Origin: http://evil.example", "Sec-Fetch-Site: cross-site"),
    ],
)
def test_a_proxy_or_a_page_at_a_unix_socket_is_not_its_user(line: str) -> None:
    assert OPERATORS.who(asked(line, peer="unix", uid=UID)) is None


def test_a_user_is_taken_from_the_socket_and_never_from_a_peer_without_one() -> None:
    for peer in ("127.0.0.1", "unix", "-"):
        assert OPERATORS.who(asked("X-AIMux-Uid: 0", peer=peer)) is None


def test_a_typo_is_told_from_a_token_of_somebody_elses() -> None:
    assert is_cut_short(asked(f"Authorization: Bearer {ANN[:-1]}"))
    for whole in (ANN, with_checksum("b" * 43), ADMIN):
        assert not is_cut_short(asked(f"Authorization: Bearer {whole}"))


@pytest.mark.parametrize(
    ("lines", "cross"),
    [
        ((), False),
        (("Origin: http://localhost",), False),
        (("Origin: https://LOCALHOST", "Sec-Fetch-Site: same-origin"), False),
        (("Sec-Fetch-Site: none",), False),
        (("Origin: http://localhost:1",), True),
        (("Origin: null",), True),
        (("Sec-Fetch-Site: same-site",), True),
        (("Sec-Fetch-Site: cross-site", "Origin: http://localhost"), True),
    ],
)
def test_the_page_of_another_site(lines: tuple[str, ...], cross: bool) -> None:
    assert is_cross_site(asked(*lines).head) is cross


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True)),
        *(("192.0.2.1", False), ("unix", False), ("-", False), ("", False)),
    ],
)
def test_loopback(peer: str, local: bool) -> None:
    assert is_loopback(peer) is local
