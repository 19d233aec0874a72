"""A log that an older build wrote, what that build answers over it, and how both are made."""

import json
import lzma
from pathlib import Path
from typing import Any

LOG = Path(__file__).with_name("log")
"""The log: two chains of two workers, killed twice, trimmed once, with a torn line at its end."""
_ANSWERS = Path(__file__).with_name("answers.json.xz")


def write_answers(answers: dict[str, Any]) -> None:
    """Keep what the older build answered, packed: it says everything several times."""
    _ANSWERS.write_bytes(lzma.compress(json.dumps(answers, indent=1).encode()))


def read_answers() -> dict[str, Any]:
    """What the older build answered: of commands, over HTTP, and of replay, by question."""
    found: dict[str, Any] = json.loads(lzma.decompress(_ANSWERS.read_bytes()))
    return found
