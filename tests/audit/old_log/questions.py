"""What is asked of a build over the old log by commands; the filters and the span are those of HTTP too."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from e2e_support.gateway import AIMUX
from e2e_support.waiting import DEADLINE

from old_log.comparison import read_csv, read_jsonl, read_otlp

Entry = dict[str, Any]
Answers = dict[str, Any]
"""Answers, JSON values, by their questions."""
READERS = {"csv": read_csv, "jsonl": read_jsonl, "otlp": read_otlp}
"""How an export in each format is read."""


@dataclass(frozen=True)
class Build:
    """The build that processes import which are started with this environment."""

    environment: Mapping[str, str]

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Run `aimux` with these arguments: exit code, standard output, standard error."""
        done = subprocess.run(
            [AIMUX, *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
            check=False,
            env={**os.environ, "COLUMNS": "250", **self.environment},
        )
        return done.returncode, done.stdout, done.stderr


CURRENT = Build({})


def everything_in(build: Build, log: Path) -> list[Entry]:
    """All requests of a log, the oldest first."""
    return read_jsonl(build.run("audit", "export", "--path", log)[1])


def filters(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Filters of every kind, each with something to find. `entries` are all of the log."""
    middle = entries[len(entries) // 2]
    return [
        *({"agent": name} for name in ("finance-bot", "(anonymous)", "(unidentified)")),
        *({"route": name} for name in ("finance", "fallback", "(none)")),
        *({"verdict": name} for name in ("refused", "forward", "client_left", "upstream_timeout")),
        *({"text": part} for part in ("BUDGET", "überall", "_ t")),
        {"request_id": middle["request_id"]},
        {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
        {"since": middle["time"]},
        {"until": middle["time"]},
        {"agent": "finance-bot", "verdict": "route_forbidden", "text": "database"},
    ]


def span(entries: Sequence[Entry]) -> dict[str, str]:
    """Two days around the log: so long a span is summed up alike, whether the log is new or old."""
    day = datetime.fromisoformat(entries[0]["time"]).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"since": day.isoformat(), "until": (day + timedelta(days=2)).isoformat()}


# By commands.


def answers_of_commands(build: Build, log: Path, commands: Iterable[tuple[str, ...]]) -> Answers:
    """What `aimux audit` says of a log without its configuration. The log is indexed, and not written to."""
    return {" ".join(asked): _told(build.run("audit", *asked, "--path", log), asked, log) for asked in commands}


ESSENTIAL: Final = (*(("export", "--format", form) for form in READERS), ("verify", "--json"))
"""Commands that ask for everything that can be read of a log."""


def commands(entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    """All commands that are asked. `entries` are all of the log."""
    yield from ESSENTIAL
    yield ("query", "--limit", "1000", "--json")
    yield ("query", "--limit", "1000")
    for given in filters(entries)[::4]:  # the endpoints are asked with all of them
        yield ("query", *_options(given), "--json")
    yield from (("tail", "-n", "1000", "--json"), ("tail", "-n", "1000"), ("tail", "-n", "5", "--agent", "finance-bot"))
    yield ("verify",)
    yield ("export", "--format", "otlp", "--verdict", "refused")
    for given in ({}, {"agent": "finance-bot"}, {"route": "fallback"}):
        yield ("stats", *_options({**span(entries), **given}), "--json")
    yield ("stats", *_options(span(entries)))


def _options(given: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value))


def _told(done: tuple[int, str, str], asked: Sequence[str], log: Path) -> dict[str, Any]:
    code, output, errors = done
    if asked[0] == "export":
        told = READERS[asked[2]](output)
    elif "--json" in asked:
        told = read_jsonl(output)
    else:
        told = output.replace(str(log), "LOG").splitlines()
    return {"code": code, "output": told, "errors": errors.replace(str(log), "LOG").splitlines()}
