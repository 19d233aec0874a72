"""The table of fields: what a request's two records hold, and what readers make of it.

Its order is that of the columns of a CSV export: a new field stands at its end, with the version that it comes with.
"""

from typing import Final

from aimux.audit.format import derived
from aimux.audit.format.field import Field, FieldType, Redaction, WrittenIn
from aimux.audit.format.schema_1 import ASSURANCES, SCHEMA_1
from aimux.core.identity import Proof
from aimux.core.request import Protocol

VERSION: Final = 2
"""The schema of the lines that this build writes. Lines without a version are of schema 1."""

_TEXT, _WORD = FieldType.TEXT, FieldType.WORD

FIELDS: Final[tuple[Field, ...]] = (
    *SCHEMA_1,
    Field(
        "schema",
        FieldType.INTEGER,
        "Schema",
        "Version of the schema that its decision was written by.",
        "It follows `kind` in each line. Lines without it are of schema 1.",
        since=2,
        written_in=WrittenIn.NEITHER,
        default=1,
    ),
    Field(
        "rule_id",
        _TEXT,
        "Rule",
        "Name of the rule that decided.",
        "Such as `access.not_listed`: see [rules.md](rules.md). It stays where a rule's sentence is worded anew. Of "
        "older records it follows from `rule`, and is null where that does not tell.",
        since=2,
        derive=derived.rule_id,
    ),
    Field("guard", _TEXT, "Guard", "The guard that refused.", "Absent where none did.", since=2, is_optional=True),
    Field(
        "assurance",
        _WORD,
        "Assurance",
        "How sure it is who asked. null where the identity was refused.",
        "From the least to the most: `none` (anonymous), `claimed` (the caller said so, which proves nothing), "
        "`token`, `bound` (to a key that the caller holds). Of older records it is `identity`.",
        since=2,
        derive=derived.assurance,
        words=ASSURANCES,
    ),
    Field(
        "proof",
        _WORD,
        "Proof",
        "What established who asked. null for anonymous callers.",
        "`claim`, `api_key`, `jwt`, `dpop`, `mtls_jwt`, `hmac`, `ed25519`, `wit` or `mtls`.",
        since=2,
        derive=derived.proof,
        words=tuple(Proof),
    ),
    Field(
        "protocol",
        _WORD,
        "Protocol",
        "The protocol of what was asked for.",
        "`plain`, `openai`, `anthropic`, `mcp` or `a2a`.",
        since=2,
        words=tuple(Protocol),
    ),
    Field(
        "action",
        _TEXT,
        "Action",
        "What was asked for in that protocol.",
        "`chat.completions`, `tools/call`; the method of a plain request.",
        since=2,
        redaction=Redaction.BLOTTED,
    ),
    Field(
        "target",
        _TEXT,
        "Target",
        "What that was asked of, such as a model or a tool, as the caller names it.",
        since=2,
        redaction=Redaction.BLOTTED,
    ),
    Field("standing", _TEXT, "Standing", "Digest of the run-time state that it was decided under.", since=2),
)
