"""Fuzzing of AIMux's parsers: `python -m fuzz.run` from the repository root. Only what runs them needs atheris."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FINDINGS: Final = ROOT / "fuzz" / "findings"
