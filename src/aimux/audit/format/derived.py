"""Values that readers derive: of fields that an older line lacks, and of fields that no line holds.

Each function takes what was read of a record so far and gives the value, None where the record does not tell.
"""

from aimux.audit.format.field import Fields
from aimux.audit.format.old_rules import rule_of
from aimux.core.identity import Assurance, Proof


def best(read: Fields) -> str | None:
    """The route with the highest score."""
    return read["scores"][0]["route"] if read["scores"] else None


def best_score(read: Fields) -> float | None:
    """That score."""
    return read["scores"][0]["score"] if read["scores"] else None


def assurance(read: Fields) -> str | None:
    """Schema 1 calls it the identity."""
    identity: str | None = read["identity"]
    return identity


def proof(read: Fields) -> str | None:
    """Up to schema 1 callers could do no more than claim."""
    return Proof.CLAIM.value if read["identity"] == Assurance.CLAIMED.word else None


def rule_id(read: Fields) -> str | None:
    """The name of the rule that the sentence means."""
    rule = rule_of(read["rule"], read["verdict"])
    return None if rule is None else rule.id
