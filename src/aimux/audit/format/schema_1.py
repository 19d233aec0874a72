"""The fields of schema 1, in the order of an export's columns. What they are called and mean does not change."""

from typing import Final

from aimux.audit.format import derived, nested
from aimux.audit.format.field import Field, FieldType, Redaction, WrittenIn
from aimux.core.identity import Assurance
from aimux.core.record import Ended
from aimux.core.request import ChosenBy

EPOCH: Final = "1970-01-01T00:00:00.000000Z"
"""The moment of a line that says none."""
UNKNOWN: Final = "unknown"
"""The verdict of a line that says none."""

ASSURANCES: Final = tuple(each.word for each in Assurance)
"""All assurances, the lowest first. Schema 1 has the first two."""

_BOTH, _OUTCOME, _NEITHER = WrittenIn.BOTH, WrittenIn.OUTCOME, WrittenIn.NEITHER
_BOUNDED, _BLOTTED = Redaction.BOUNDED, Redaction.BLOTTED
_TEXT, _WORD, _INTEGER, _NUMBER = FieldType.TEXT, FieldType.WORD, FieldType.INTEGER, FieldType.NUMBER
_MS = FieldType.MILLISECONDS

SCHEMA_1: Final[tuple[Field, ...]] = (
    Field(
        "time",
        FieldType.MOMENT,
        "At",
        "The moment that it was decided by.",
        "UTC. Up to schema 1, when the request began.",
        default=EPOCH,
        column="time",
        otlp=None,
    ),
    Field("request_id", _TEXT, "Request", "Its name in answers, logs and traces.", default="", column="request_id"),
    Field("trace_id", _TEXT, "Trace", "Its trace.", default="", column="trace_id", otlp=None),
    Field(
        "agent",
        _TEXT,
        "Agent",
        "Who asked. null for anonymous callers and where the identity was refused.",
        column="agent",
        otlp="gen_ai.agent.name",
    ),
    Field(
        "identity",
        _WORD,
        "Identity",
        "How it was established. null where it was refused.",
        "The same as `assurance`, for readers of schema 1.",
        words=ASSURANCES,
    ),
    Field("peer", _TEXT, "From", "The client's address.", default="", redaction=_BOUNDED, otlp="client.address"),
    Field(
        "method",
        _TEXT,
        "Method",
        "The method of the request.",
        default="-",
        redaction=_BOUNDED,
        otlp="http.request.method",
    ),
    Field(
        "path", _TEXT, "Path", "What it asked for, without the query.", default="-", redaction=_BOUNDED, otlp="url.path"
    ),
    Field(
        "dialect",
        _TEXT,
        "Found in",
        "Where its text was found.",
        "`query`, `json`, `messages`, `a2a`, `mcp`, `text`, `form`, `multipart`; or, without a text, what the body was "
        "that guards heard.",
        default="",
    ),
    Field(
        "text",
        _TEXT,
        "Text",
        "As much of it as audit.text says, secrets blotted out.",
        redaction=Redaction.TEXT,
        column="text",
    ),
    Field(
        "text_digest",
        FieldType.DIGEST,
        "Text, SHA-256",
        "SHA-256 of the whole text, secrets blotted out.",
        "Of its UTF-8.",
    ),
    Field(
        "route",
        _TEXT,
        "Route",
        "The route that it went to, or that it was refused for.",
        "With the verdict `no_route` it is the one with the highest score, which was too low.",
        column="route",
    ),
    Field("score", _NUMBER, "Score", "The score that decided: of the whole text, or of the part that chose the route."),
    Field("runner_up", _TEXT, "Runner-up", "The route with the second highest score there."),
    Field("margin", _NUMBER, "Lead", "By how much the first led the second there."),
    Field("ambiguity_threshold", _NUMBER, "Lead needed", "The margin that was needed.", csv=None, otlp=None),
    Field(
        "scores",
        FieldType.ROWS,
        "Routes' scores",
        "The highest, at most 32, highest first.",
        "Of the whole text; in the line each is an array `[route, score, min_score]`.",
        default=(),
        nested=nested.SCORE,
        csv=None,
        otlp=None,
    ),
    Field(
        "verdict",
        _TEXT,
        "Verdict",
        "forward, fallback, answered, or the code of the refusal.",
        "The outcome's is what came of it in the end.",
        written_in=_BOTH,
        default=UNKNOWN,
        column="verdict",
    ),
    Field("rule", _TEXT, "Rule", "The rule that decided, in words.", default=""),
    Field(
        "status",
        _INTEGER,
        "Status",
        "The response's status.",
        written_in=_OUTCOME,
        column="status",
        otlp="http.response.status_code",
    ),
    Field("bytes", _INTEGER, "Bytes", "The bytes of the response's body.", written_in=_OUTCOME),
    Field("decided_ms", _MS, "Decided", "Time until the decision to forward.", otlp=None),
    Field("model_ms", _MS, "Model", "Time for the scores.", written_in=_OUTCOME),
    Field("upstream_ms", _MS, "Upstream", "Until the head of the upstream's response came.", written_in=_OUTCOME),
    Field("total_ms", _MS, "Total", "Time in all.", written_in=_OUTCOME),
    Field(
        "ended",
        _WORD,
        "Answer",
        "How the exchange ended.",
        "`completed`, `idle` (an event stream that the gateway ended, between two events), `client_left`, "
        "`upstream_failed` (before a response), or `truncated` (in the middle of one).",
        written_in=_OUTCOME,
        words=tuple(Ended),
    ),
    Field("config", _TEXT, "Configuration", "Digest of the configuration that it was decided by, if any.", "SHA-256."),
    Field("model", _TEXT, "Model", "Digest of the model.", "SHA-256."),
    Field(
        "position",
        FieldType.OBJECT,
        "Records",
        "Where its records stand in the log.",
        written_in=_NEITHER,
        default={},
        nested=nested.POSITION,
    ),
    Field(
        "conflicts",
        FieldType.OBJECTS,
        "Also claimed",
        "Claims of another name that stood later in the request.",
        default=(),
        nested=nested.CONFLICT,
        redaction=_BLOTTED,
        otlp=None,
    ),
    Field(
        "chosen_by",
        _WORD,
        "Chosen by",
        "What chose the route; nothing: the fallback takes requests without a text.",
        "`text`; `list`, several texts that agree, or one of them where it is refused; `earlier_turn`, an earlier "
        "message of the user; `name`, the header; `prefix`, that of the path; `path`; `nothing`. null where no route "
        "was chosen; absent in older records.",
        words=tuple(ChosenBy),
    ),
    Field(
        "turn",
        _INTEGER,
        "Turn",
        "How many messages of the user before the last one the turn stands that chose.",
        "With `earlier_turn`; absent otherwise. `score` and `scores` are that one's then, `text` is the last one.",
        is_optional=True,
    ),
    Field(
        "listed",
        _INTEGER,
        "Listed",
        "How many further texts of a list were judged beside this one.",
        "`text` is the first. Where one of them is refused, `route`, `score` and `scores` are that one's. Absent "
        "otherwise.",
        is_optional=True,
        otlp=None,
    ),
    Field(
        "client_request_id",
        _TEXT,
        "To its caller",
        "What the caller calls it, which proves nothing.",
        "Absent where it says nothing; see [refusals.md](refusals.md#what-a-request-is-called).",
        redaction=_BLOTTED,
        is_optional=True,
    ),
    Field(
        "upstream_request_id",
        _TEXT,
        "To the upstream",
        "What the upstream, a provider mostly, calls it.",
        "Absent where it says nothing.",
        written_in=_OUTCOME,
        redaction=_BLOTTED,
        is_optional=True,
    ),
    Field(
        "best",
        _TEXT,
        "Best",
        "The route with the highest score of the whole text.",
        "The first of `scores`.",
        written_in=_NEITHER,
        derive=derived.best,
    ),
    Field("best_score", _NUMBER, "Best score", "That score.", written_in=_NEITHER, derive=derived.best_score),
    Field(
        "part",
        FieldType.OBJECT,
        "Part",
        "The part of the text that decided, where one did.",
        "Where `part.route` is `route`, the part chose it; otherwise the part kept the text from the route that the "
        "whole means. Absent otherwise, and in older records, where `score` is always that of the whole text.",
        nested=nested.PART,
        redaction=Redaction.TEXT,
        is_optional=True,
    ),
    Field(
        "cached",
        FieldType.FLAG,
        "Scores",
        "Whether the scores were remembered. null: none were needed.",
        csv=None,
        otlp=None,
    ),
    # What only the line of an outcome says.
    Field("time", FieldType.MOMENT, "Ended at", "When it ended.", written_in=_OUTCOME, is_shown=False),
    Field("request_id", _TEXT, "Request", "Which request it is of.", written_in=_OUTCOME, is_shown=False),
    Field("decision", _INTEGER, "Decision", "The number of its decision.", written_in=_OUTCOME, is_shown=False),
    Field(
        "fault",
        _TEXT,
        "Fault",
        "What went wrong, where something did that the caller is not told.",
        written_in=_OUTCOME,
        redaction=_BLOTTED,
        is_optional=True,
        is_shown=False,
    ),
)
