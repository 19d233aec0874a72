"""The benchmarks of AIMux: `python -m bench.run` from the repository root. docs/benchmarks.md says how to read them."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


class BenchError(Exception):
    """The benchmark cannot be run, or would not measure what it says. The message says what to do."""
