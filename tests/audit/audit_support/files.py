"""The files of a log: its segments, what stands in them, and whether they verify."""

import json
from pathlib import Path
from typing import Any

from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import verify


def segments(log: Path) -> list[Path]:
    """The segments of the first chain, the oldest first."""
    return sorted((log / "chain-1").glob("*[0-9].jsonl"))


def append(log: Path, lines: list[bytes]) -> None:
    """Write lines behind the last segment, whatever they are."""
    with segments(log)[-1].open("ab") as file:
        file.writelines(each + b"\n" for each in lines)


def records(log: Path, chain: int = 1) -> list[dict[str, Any]]:
    """All records of a chain."""
    files = sorted((log / f"chain-{chain}").glob("*[0-9].jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def is_whole(log: Path) -> bool:
    """Whether every chain verifies."""
    return all(verdict.fault is None for verdict in verify(log, Verifier.at(log / PUBLIC_KEY)))
