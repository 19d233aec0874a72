"""The table of fields for the dashboard, as TypeScript: `python -m aimux.audit.format.typescript`."""

import json
import sys

from aimux.audit.format.field import Field
from aimux.audit.format.schema import FIELDS, VERSION


def typescript() -> str:
    """The source of `dashboard/src/fields.gen.ts`: of each field that is shown its label, its sentence, its version."""
    rows = (f"  {field.name}: {_about(field)},\n" for field in FIELDS if field.is_shown)
    return (
        "// Generated from the table of fields of the audit log: do not edit.\n"
        "/** The newest schema that this page knows. */\n"
        f"export const SCHEMA = {VERSION};\n"
        f"export const FIELDS = {{\n{''.join(rows)}}} as const;\n"
    )


def _about(field: Field) -> str:
    about = {"label": field.label, "doc": field.doc, "since": field.since}
    return json.dumps(about)


if __name__ == "__main__":
    sys.stdout.write(typescript())
