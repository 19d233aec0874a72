"""`aimux audit commands`: what operators have commanded, and what was refused to them."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aimux.audit.commands import commands as commands_in
from aimux.audit.errors import UnreadableError
from aimux.audit.filters import FilterError, moment
from aimux.audit.format.writing import moment as written
from aimux.cli import console
from aimux.config.problem import printable
from aimux.core.operator import ACCEPTED


def commands(log: Path, since: str | None, *, as_json: bool) -> int:
    """Print the commands of a log, the oldest first; the exit code."""
    try:
        earliest = "" if since is None else written(moment("since", since, time.time()))
        found = commands_in(log, earliest)
    except (FilterError, UnreadableError) as error:
        console.problem(f"aimux: {error}")
        return 2 if isinstance(error, FilterError) else 1
    for record in found:
        if as_json:
            print(json.dumps(record, separators=(",", ":")))
        else:
            console.line(printable(_line(record)))
    return 0


def _line(record: Mapping[str, Any]) -> str:
    who = record.get("operator") or "(nobody)"
    command = record.get("command") or "(no command)"
    line = f"{record.get('time')} {record['chain']}:{record['seq']} {who} {command} {record.get('verdict')}"
    before, after = (str(record.get(name) or "")[:12] for name in ("before", "after"))
    if before and record.get("verdict") == ACCEPTED:
        line += f" {before} -> {after}"
    return f"{line} {record['detail']}" if record.get("detail") else line
