"""The names that a request gives for its caller, each from its place, and nothing that could be read in two ways."""

from collections.abc import Iterable, Sequence

from aimux.core.headers import folded
from aimux.core.identity import Claim, Place
from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import Head


def query_claims(pairs: Sequence[tuple[str, str]], sources: IdentitySources) -> Iterable[Claim]:
    """The claims of a query's fields, in order of precedence. Raises Failure for one that is contradictory or empty."""
    for name in sources.query_params:
        values = [value for key, value in pairs if key == name]
        if values:
            yield claim(Place.QUERY, name, _one(values, Place.QUERY, name))


def header_claims(head: Head, sources: IdentitySources) -> list[Claim]:
    """The claims of a head's headers, in order of precedence. Raises Failure for one that can be read in two ways."""
    claims = []
    for name, key in zip(sources.headers, sources.header_keys, strict=True):
        if key not in head.first:
            continue
        if key in head.padded:
            message = f"the header {name} has white space around its value: leave it out; identity.headers names it"
            raise Failure(Reason.IDENTITY_MALFORMED, message)
        values = [value.decode("latin-1") for value in head.values(key)]
        claims.append(claim(Place.HEADER, name, _one(values, Place.HEADER, name)))
    _refuse_twins(head, sources)
    return claims


def _refuse_twins(head: Head, sources: IdentitySources) -> None:
    for name in head.first:
        if name not in sources.header_keys and folded(name) in sources.folded_keys:
            message = "a header is almost one of identity.headers: write that exactly, with its hyphens"
            raise Failure(Reason.IDENTITY_MALFORMED, message)


def _one(values: Sequence[str], place: Place, field: str) -> str:
    if any(value != values[0] for value in values):
        message = (
            f"the {place.value} gives the caller's name ({field}) twice with different values: give it once; "
            f"where '{field}' stands for something else, set {place.key}"
        )
        raise Failure(Reason.IDENTITY_MALFORMED, message)
    return values[0]


def claim(place: Place, field: str, value: object) -> Claim:
    """The claim that a field's value makes. Raises Failure where that is no name and stands in query or headers.

    In a body the field may be any API's own: whether that matters depends on the places before it.
    """
    found = Claim(place, field, value if isinstance(value, str) and value else None)
    if found.name is None and place is not Place.BODY:
        raise Failure(Reason.IDENTITY_MALFORMED, found.fault)
    return found


def is_name(value: object) -> bool:
    """Whether what stands in an identity's place is no more than a name: with white space in it, it may say more."""
    return isinstance(value, str) and len(value.split()) == 1
