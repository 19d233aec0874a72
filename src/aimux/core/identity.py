"""Identity: claims and evidence of a request, proofs, the assurance that they give, and agents and principals."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from aimux.core.values import value


class Assurance(IntEnum):
    """The confidence that a request is its principal's, in order; `word` stands in configuration and records."""

    NONE = 0
    CLAIMED = 1
    """The caller gave a name, which labels its traffic and proves nothing."""
    TOKEN = 2
    """The caller showed a secret that whoever has seen it may show as well."""
    BOUND = 3
    """The caller proved that it holds a key, for this connection or this request."""

    @property
    def word(self) -> str:
        """The name in small letters."""
        return _WORDS[self]


_WORDS: Final = {each: each.name.lower() for each in Assurance}


class Proof(StrEnum):
    """The means by which an identity is proved."""

    CLAIM = "claim"
    API_KEY = "api_key"
    JWT = "jwt"
    DPOP = "dpop"
    MTLS_JWT = "mtls_jwt"
    HMAC = "hmac"
    ED25519 = "ed25519"
    WIT = "wit"
    MTLS = "mtls"

    @property
    def assurance(self) -> Assurance:
        """The assurance of a proof that holds."""
        return _ASSURANCE[self]


_ASSURANCE: Final = {
    Proof.CLAIM: Assurance.CLAIMED,
    Proof.API_KEY: Assurance.TOKEN,
    Proof.JWT: Assurance.TOKEN,
    Proof.DPOP: Assurance.BOUND,
    Proof.MTLS_JWT: Assurance.BOUND,
    Proof.HMAC: Assurance.BOUND,
    Proof.ED25519: Assurance.BOUND,
    Proof.WIT: Assurance.BOUND,
    Proof.MTLS: Assurance.BOUND,
}


class Place(StrEnum):
    """Where in a request something was found."""

    QUERY = "query"
    HEADER = "header"
    BODY = "body"

    @property
    def key(self) -> str:
        """The key of the configuration that says which names give a caller's identity there."""
        return _KEYS[self]


_KEYS: Final = {
    Place.QUERY: "identity.query_params",
    Place.HEADER: "identity.headers",
    Place.BODY: "identity.body_field",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One name that a request gives for its caller, exactly as received. None: what stands there is no name."""

    place: Place
    field: str
    name: str | None

    @property
    def fault(self) -> str:
        """The message for a claim that names no registered agent, with a remedy."""
        where = f"in the {self.place.value} ({self.field})"
        if self.name is None:
            what = f"the caller's name {where} is empty or no text: give that of a registered agent"
        else:
            what = (
                f"the agent named {where} is not registered: add it to `agents` in the gateway's configuration, "
                "or leave the name out to call open routes"
            )
        earlier = "name the agent in a header or the query, or " if self.place is Place.BODY else ""
        return f"{what}; where '{self.field}' stands for something else, {earlier}set {self.place.key}"


@value
class Evidence:
    """Unverified material by which a request would prove its caller: the proof that it is for, and its place.

    A claim is no evidence: it proves nothing.
    """

    proof: Proof
    place: Place
    material: bytes = field(repr=False)


@value
class Proven:
    """The result of verified evidence: an agent, and its proof. It holds until `expires`, seconds since the epoch."""

    agent: str
    proof: Proof
    issuer: str | None = None
    key_id: str | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the configuration, its groups, and the assurances that it accepts for requests in its name."""

    name: str
    accepts: frozenset[Assurance] = frozenset({Assurance.CLAIMED})
    groups: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.accepts or Assurance.NONE in self.accepts:
            raise ValueError(f"agent '{self.name}' accepts nothing, or no identity: it must accept some assurance")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request: `agent` is None for an anonymous caller. `conflicts` are claims of another name.

    `groups` are those that it is in for this request. Access is judged by them, never by the configuration's groups.
    """

    agent: str | None
    assurance: Assurance
    proof: Proof | None = None
    conflicts: tuple[Claim, ...] = ()
    groups: frozenset[str] = frozenset()


ANONYMOUS: Final = Principal(None, Assurance.NONE)
