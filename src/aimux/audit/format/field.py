"""A row of the table of fields, and the types that it is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

Fields = Mapping[str, Any]
"""A record's JSON object."""
REQUIRED: Final = object()
"""The default of a nested field without which the object around it is none."""


class FieldType(Enum):
    """The type of a field's value, besides null."""

    TEXT = "text"
    WORD = "word"
    """One of the field's `words`."""
    MOMENT = "moment"
    """RFC 3339."""
    DIGEST = "digest"
    """SHA-256, 64 hexadecimal digits."""
    INTEGER = "integer"
    NUMBER = "number"
    MILLISECONDS = "milliseconds"
    FLAG = "flag"
    OBJECT = "object"
    OBJECTS = "objects"
    ROWS = "rows"
    """Objects for readers, which a line holds as arrays of their values."""


class WrittenIn(Enum):
    """Which record of a request holds a field."""

    DECISION = "decision"
    OUTCOME = "outcome"
    BOTH = "both"
    """The outcome's value counts once there is one."""
    NEITHER = "neither"
    """Readers make it from the rest."""


class Redaction(Enum):
    """The way in which secrets are kept out of a field."""

    NONE = "none"
    """No caller and no upstream chooses its value."""
    BOUNDED = "bounded"
    """It is cut at a length."""
    BLOTTED = "blotted"
    """It is cut at a length, and whatever looks like a credential is blotted out."""
    TEXT = "text"
    """The same, and it shows no more than `audit.text` allows."""


@dataclass(frozen=True, slots=True)
class Nested:
    """The fields of a field's object or objects. `name` is that of the API's model, `doc` its description."""

    name: str
    doc: str
    fields: "tuple[Field, ...]"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request's records.

    `since` is the schema version that it came with. `default` is what readers give for a line that lacks it, or has
    something of another type there; where it is None, the field may be null. Where a line is older than the field,
    `derive` makes the value from what the line does say; where readers make the field (`WrittenIn.NEITHER`), it always
    does.

    `is_optional` says that a line leaves the field out where there is nothing to say, `is_shown` that a request as
    readers see it has the field. `column` is that of the index. `csv` and `otlp` are the names in exports, in which {}
    stands for the field's name; None: it is not exported there.

    `doc` is a sentence for the API, the dashboard and docs/audit.md, `more` what only the document says.
    """

    name: str
    type: FieldType
    label: str
    doc: str
    more: str = ""
    written_in: WrittenIn = WrittenIn.DECISION
    since: int = 1
    default: Any = None
    derive: Callable[[Fields], Any] | None = None
    words: tuple[str, ...] = ()
    nested: Nested | None = None
    redaction: Redaction = Redaction.NONE
    is_optional: bool = False
    is_shown: bool = True
    column: str | None = None
    csv: str | None = "{}"
    otlp: str | None = "aimux.{}"

    @property
    def heading(self) -> str | None:
        """The column of a CSV export."""
        return None if self.csv is None else self.csv.format(self.name)

    @property
    def attribute(self) -> str | None:
        """The attribute of an OpenTelemetry export."""
        return None if self.otlp is None else self.otlp.format(self.name)

    @property
    def is_nullable(self) -> bool:
        """Whether readers may find null."""
        return self.default is None

    def is_in(self, record: WrittenIn) -> bool:
        """Whether the decision, or the outcome, holds it."""
        return self.written_in is record or self.written_in is WrittenIn.BOTH
