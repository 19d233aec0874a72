"""`python -m bench.run`: measures, prints the table, and keeps the results."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from aimux.intent.model import ModelError
from bench import ROOT, BenchError
from bench.charts import draw
from bench.peers import PEERS
from bench.processes import end_on_signals
from bench.report import as_json, markdown, put_between_markers, table
from bench.session import FULL, QUICK, Settings, run

_DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
_CHARTS: Final = ROOT / "docs" / "charts"
_WIDTH: Final = 190
_RESULTS: Final = ROOT / "bench" / "results" / "latest.json"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the benchmark; the exit code."""
    options = _parser().parse_args(arguments)
    console, errors = Console(width=None if sys.stdout.isatty() else _WIDTH), Console(stderr=True)
    end_on_signals()
    try:
        if options.write_docs:
            # A document that cannot take the table is better found out now than after minutes of measuring.
            put_between_markers(_DOCUMENT.read_text(), "")
        with console.status("starting") as status:
            report = run(_settings(options, environment), status.update if console.is_terminal else console.print)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(as_json(report))
        if options.write_docs:
            _DOCUMENT.write_text(put_between_markers(_DOCUMENT.read_text(), markdown(report)))
            draw(report.rows, _CHARTS)
    except (BenchError, ModelError, OSError) as error:
        errors.print(f"bench: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(table(report))
    for skipped in report.skipped:
        console.print(f"Left out: {skipped}", markup=False, highlight=False)
    return 0


def _settings(options: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    quick = options.quick or environment.get("QUICK", "0") not in {"", "0"}
    settings = QUICK if quick else FULL
    return replace(
        settings,
        rounds=options.rounds or settings.rounds,
        seconds=options.seconds or settings.seconds,
        calls=options.calls or settings.calls,
        peers=tuple(name for name in PEERS if name.lower() not in options.without),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Benchmarks of AIMux: docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="less than a minute; so does QUICK=1 in the environment")
    parser.add_argument("--rounds", type=_positive, help=f"rounds ({FULL.rounds}; quick: {QUICK.rounds})")
    parser.add_argument("--seconds", type=_positive, help=f"of load a round ({FULL.seconds}; quick: {QUICK.seconds})")
    parser.add_argument("--calls", type=_positive, help=f"single calls a round ({FULL.calls}; quick: {QUICK.calls})")
    names = [name.lower() for name in PEERS]
    parser.add_argument("--without", nargs="+", choices=names, default=[], help="peers to leave out")
    parser.add_argument(
        "--write-docs", action="store_true", help="put the table into docs/benchmarks.md, charts beside"
    )
    parser.add_argument("--results", type=Path, default=_RESULTS, metavar="FILE", help="where the figures are kept")
    return parser


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
