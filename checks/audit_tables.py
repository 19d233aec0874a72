"""`python -m checks.audit_tables`: writes the tables of fields in docs/audit.md, by the table that the code goes by."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from aimux.audit.format.events import EVENTS
from aimux.audit.format.field import Field, Redaction, WrittenIn
from aimux.audit.format.schema import FIELDS

PAGE: Final = Path(__file__).parents[1] / "docs" / "audit.md"
_BEGIN: Final = "<!-- tables of fields: python -m checks.audit_tables -->\n"
_END: Final = "<!-- end of the tables -->\n"
_REDACTED: Final = {
    Redaction.NONE: "",
    Redaction.BOUNDED: " At most 512 characters.",
    Redaction.BLOTTED: " Secrets blotted out, at most 512 characters.",
    Redaction.TEXT: "",
}


def main() -> int:
    """Write the tables; the exit code."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
    return 0


def with_tables(page: str) -> str:
    """A page with the tables between its two markers as they are now. Raises ValueError where it has none."""
    before, found, rest = page.partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not found or not ended:
        raise ValueError("the page has no place for the tables")
    return f"{before}{_BEGIN}\n{chr(10).join(_tables())}\n{_END}{after}"


def _tables() -> Iterator[str]:
    yield from _table("field of the decision", [each for each in FIELDS if each.is_in(WrittenIn.DECISION)])
    yield from _table("field of the outcome", [each for each in FIELDS if each.is_in(WrittenIn.OUTCOME)])
    yield from _table("field that readers add", [each for each in FIELDS if each.written_in is WrittenIn.NEITHER])
    yield "| other record | fields besides the time | meaning |\n|---|---|---|"
    for kind, (doc, fields) in EVENTS.items():
        yield f"| `{kind}` | {', '.join(f'`{name}`' for name in fields)} | {' '.join((doc, *_sentences(fields)))} |"
    yield ""


def _sentences(fields: dict[str, str]) -> Iterator[str]:
    return (
        f"`{name}`: {doc[0].lower()}{doc[1:]}" if doc[0] != "S" else f"`{name}`: {doc}" for name, doc in fields.items()
    )


def _table(heading: str, fields: Iterable[Field]) -> Iterator[str]:
    yield f"| {heading} | schema | meaning |\n|---|---|---|"
    yield from _rows(fields, "")
    yield ""


def _rows(fields: Iterable[Field], inside: str) -> Iterator[str]:
    for field in fields:
        doc = " ".join(filter(None, (field.doc, field.more)))
        yield f"| `{inside}{field.name}` | {field.since} | {doc}{_REDACTED[field.redaction]} |"
        if field.nested is not None:
            yield from _rows(field.nested.fields, f"{field.name}.")


if __name__ == "__main__":
    sys.exit(main())
