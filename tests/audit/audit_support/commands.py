"""Commands that read a log by its index."""

from collections.abc import Callable
from pathlib import Path

from aimux.cli import audit as commands

NEVER = Path("no-such-configuration.yaml")
ASKED: dict[str, Callable[[Path], int]] = {
    "query": lambda log: commands.query(NEVER, log, {}, 50, as_json=False),
    "query --json": lambda log: commands.query(NEVER, log, {}, 50, as_json=True),
    "export": lambda log: commands.export(NEVER, log, {}, "jsonl"),
    "stats": lambda log: commands.stats(NEVER, log, {"since": "2d"}, as_json=False),
    "stats --json": lambda log: commands.stats(NEVER, log, {"since": "2d"}, as_json=True),
}
