"""The names that a request gives for its caller, each from its place, and nothing that could be read in two ways."""

from collections.abc import Iterable, Sequence

from aimux.core.headers import folded
from aimux.core.reason import Failure, Reason
from aimux.core.request import Claim, Place
from aimux.core.snapshot import IdentitySources
from aimux.wire.http1 import Head


def query_claims(pairs: Sequence[tuple[str, str]], sources: IdentitySources) -> Iterable[Claim]:
    """The claims of a query's fields, in order of precedence. Raises Failure for one that is contradictory or empty."""
    for name in sources.query_params:
        values = [value for key, value in pairs if key == name]
        if values:
            yield claim(Place.QUERY, name, _one(values))


def header_claims(head: Head, sources: IdentitySources) -> list[Claim]:
    """The claims of a head's headers, in order of precedence. Raises Failure for one that can be read in two ways."""
    claims = []
    for name, key in zip(sources.headers, sources.header_keys, strict=True):
        if key not in head.first:
            continue
        if key in head.padded:
            raise Failure(Reason.IDENTITY_MALFORMED, f"the header {name} has white space around its value")
        claims.append(claim(Place.HEADER, name, _one([value.decode("latin-1") for value in head.values(key)])))
    _refuse_twins(head, sources)
    return claims


def _refuse_twins(head: Head, sources: IdentitySources) -> None:
    for name in head.first:
        if name not in sources.header_keys and folded(name) in sources.folded_keys:
            raise Failure(Reason.IDENTITY_MALFORMED, "write the identity header exactly, with its hyphens")


def _one(values: Sequence[str]) -> str:
    if any(value != values[0] for value in values):
        raise Failure(Reason.IDENTITY_MALFORMED, "the caller's identity is given twice with different values")
    return values[0]


def claim(place: Place, field: str, value: object) -> Claim:
    """The claim that a field's value makes. Raises Failure where that is no name."""
    if not isinstance(value, str) or not value:
        raise Failure(Reason.IDENTITY_MALFORMED, f"the {place.value} names an agent ({field}) that is no text or empty")
    return Claim(place, field, value)


def is_name(value: object) -> bool:
    """Whether what stands in an identity's place is no more than a name: with white space in it, it may say more."""
    return isinstance(value, str) and len(value.split()) == 1
