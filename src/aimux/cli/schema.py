"""`aimux schema`: the JSON Schema of the configuration, for editors."""

import json

from aimux.cli import console
from aimux.config.schema import json_schema


def schema() -> int:
    """Print the schema."""
    console.line(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
