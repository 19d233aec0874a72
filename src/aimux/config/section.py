"""What all sections of a configuration have in common."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, WithJsonSchema

KIB = 1024
MIB = 1024 * KIB


def choice(*words: str) -> WithJsonSchema:
    """The JSON Schema of one of these words, or of a value from the environment."""
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, {"type": "string", "pattern": r"\$\{"}]})


class Section(BaseModel):
    """What all sections share: nothing in them changes, and a key that is not known is an error."""

    short_form: ClassVar[bool] = False
    """Whether its first key alone may stand for it, where it is an item of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, use_attribute_docstrings=True)
