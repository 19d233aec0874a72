"""The fields within fields: a request's place in the log, claims in conflict, routes' scores, the deciding part."""

from typing import Final

from aimux.audit.format.field import REQUIRED, Field, FieldType, Nested, Redaction
from aimux.core.identity import Place

_INTEGER, _NUMBER, _TEXT, _WORD = FieldType.INTEGER, FieldType.NUMBER, FieldType.TEXT, FieldType.WORD
_AUDIT: Final = "aimux.audit.{}"
_PART_HEADING, _PART_ATTRIBUTE = "part_{}", "aimux.part.{}"

POSITION: Final = Nested(
    "RecordPosition",
    "Where the two records of a request stand: chain, and number in it. `outcome` is null while it is being served.",
    (
        Field("chain", _INTEGER, "Chain", "Number of the chain.", default=REQUIRED, column="chain", otlp=_AUDIT),
        Field(
            "decision",
            _INTEGER,
            "Decision",
            "Number of the decision.",
            default=REQUIRED,
            column="decision",
            otlp=_AUDIT,
        ),
        Field("outcome", _INTEGER, "Outcome", "Number of the outcome.", column="outcome", otlp=_AUDIT),
    ),
)

CONFLICT: Final = Nested(
    "ConflictingClaim",
    "A later claim that named somebody else.",
    (
        Field("place", _WORD, "Place", "Where it stood.", default=REQUIRED, words=tuple(Place)),
        Field("field", _TEXT, "Field", "The name of the parameter, header or field.", default=REQUIRED),
        Field(
            "name",
            _TEXT,
            "Name",
            "As it was sent, shortened; *** where that is configured. null: what stood there is no name.",
            "An object, for one.",
            redaction=Redaction.BLOTTED,
        ),
    ),
)

SCORE: Final = Nested(
    "RouteScore",
    "What a route scored, and the score that it needed at that time.",
    (
        Field("route", _TEXT, "Route", "The route.", default=REQUIRED),
        Field("score", _NUMBER, "Score", "Its score.", default=REQUIRED),
        Field("min_score", _NUMBER, "Needed", "The score that it needed.", default=REQUIRED),
    ),
)

PART: Final = Nested(
    "DecidingPart",
    "The part of a text that decided, since the whole means no route or since the part stands for another one.",
    (
        Field(
            "route",
            _TEXT,
            "Route",
            "The route that it stands for.",
            default=REQUIRED,
            csv=_PART_HEADING,
            otlp=_PART_ATTRIBUTE,
        ),
        Field(
            "start",
            _INTEGER,
            "Start",
            "Number of its first character in the text. null: not found there.",
            "As it was received. Words in disguise, for example, do not stand in it as they were read. With "
            "`earlier_turn` and `list` it is the turn or text that chose.",
            csv=_PART_HEADING,
            otlp=_PART_ATTRIBUTE,
        ),
        Field(
            "end",
            _INTEGER,
            "End",
            "Number of the character behind its last one.",
            csv=_PART_HEADING,
            otlp=_PART_ATTRIBUTE,
        ),
        Field(
            "text",
            _TEXT,
            "Words",
            "Its words, where the recorded text shows them.",
            "null where it does not: `audit.text`, `audit.redact_fields`, a secret among them, beyond the excerpt, an "
            "earlier turn.",
            redaction=Redaction.TEXT,
            csv=_PART_HEADING,
            otlp=_PART_ATTRIBUTE,
        ),
        Field(
            "score",
            _NUMBER,
            "Score",
            "Its score for the route.",
            default=REQUIRED,
            csv=_PART_HEADING,
            otlp=_PART_ATTRIBUTE,
        ),
    ),
)
