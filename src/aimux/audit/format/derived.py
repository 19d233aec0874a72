"""What lines say that are older than a field, and what readers make of a line: values of the field from the others.

Each function takes what was read of a record so far and gives the value, None where the record does not tell.
"""

from aimux.audit.format.field import Fields
from aimux.audit.format.old_rules import rule_of


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
    return "claim" if read["identity"] == "claimed" else None


def rule_id(read: Fields) -> str | None:
    """The name of the rule that the sentence means."""
    rule = rule_of(read["rule"], read["verdict"])
    return None if rule is None else rule.id
