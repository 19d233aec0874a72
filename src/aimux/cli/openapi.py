"""`aimux openapi`: the OpenAPI description of the management endpoints, for clients and their generators."""

import json

from aimux.admin.openapi import description
from aimux.cli import console


def openapi() -> int:
    """Print the description."""
    console.line(json.dumps(description(), indent=2, ensure_ascii=False))
    return 0
