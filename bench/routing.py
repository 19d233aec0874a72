"""`python -m bench.routing`: how well texts find their routes, on labelled data, for docs/routing-quality.md."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from aimux import __version__
from aimux.intent.encoder import Encoder
from aimux.intent.model import MODEL_NAME, ModelError, ModelFiles, locate
from aimux.intent.quality import Quality, assess
from bench import ROOT, BenchError
from bench.attacks import suites
from bench.follow_ups import follow_ups
from bench.peers import SEMANTIC_ROUTER, find
from bench.processes import end_on_signals
from bench.report import put_between_markers
from bench.routing_cost import costs
from bench.routing_draws import Amount, Data, Draw, draws, missing, read
from bench.routing_guards import guards
from bench.routing_report import (
    PEER,
    Line,
    Report,
    as_json,
    from_json,
    line_of,
    markdown,
    side_table,
    sides,
    table,
)
from bench.routing_rows import AttackRow, CostRow, FollowUpRow, GuardRow, TuningRow
from bench.routing_scores import Bed, RememberingEncoder, by_semantic_router, own
from bench.routing_tuning import tunings

_DATA: Final = ROOT.parent / "shared" / "data"
_VARIABLE: Final = "AIMUX_BENCH_DATA"
_DOCUMENT: Final = ROOT / "docs" / "routing-quality.md"
_RESULTS: Final = ROOT / "bench" / "results" / "routing.json"
_WIDTH: Final = 190
FULL: Final = Amount(draws=6, inside=600, near=300, far=300)
QUICK: Final = Amount(draws=3, inside=200, near=100, far=100)

Tell = Callable[[str], None]


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Measure, or render what was measured before; the exit code."""
    options = _parser().parse_args(arguments)
    console, errors = Console(width=None if sys.stdout.isatty() else _WIDTH), Console(stderr=True)
    end_on_signals()
    folder = options.data or Path(environment.get(_VARIABLE) or _DATA)
    if not options.render and (lacking := missing(folder)):
        told = f"Nothing is measured: {folder} has no {' nor '.join(lacking)}; name a folder that has, by --data or "
        console.print(f"{told}{_VARIABLE}", markup=False, highlight=False, soft_wrap=True)
        return 0
    try:
        if options.write_docs:
            # A document that cannot take the table is better found out now than after minutes of measuring.
            put_between_markers(options.document.read_text(), "")
        if options.render:
            report = _kept(options.results)
        else:
            quick = options.quick or environment.get("QUICK", "0") not in {"", "0"}
            report = _measure(folder, options, quick, console.print)
            options.results.parent.mkdir(parents=True, exist_ok=True)
            options.results.write_text(as_json(report))
        if options.write_docs:
            options.document.write_text(put_between_markers(options.document.read_text(), markdown(report)))
    except (BenchError, ModelError, OSError) as error:
        errors.print(f"bench.routing: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(table(report))
    for rows in sides(report):
        console.print(side_table(rows))
    for skipped in report.skipped:
        console.print(f"Left out: {skipped}", markup=False, highlight=False)
    return 0


def _measure(folder: Path, options: argparse.Namespace, quick: bool, tell: Tell) -> Report:
    amount = QUICK if quick else FULL
    files = locate(options.model)
    encoder = RememberingEncoder.load(files)
    data = read(folder)
    drawn = draws(data, amount)
    found: dict[tuple[str, str], list[Quality]] = {}
    thresholds: dict[str, float] = {}
    for number, draw in enumerate(drawn, 1):
        tell(f"{number} of {len(drawn)}: {draw.case}")
        bed = Bed.of(draw)
        thresholds = {
            "min_score": bed.policy.routes[0].min_score,
            "ambiguity_threshold": bed.policy.ambiguity_threshold,
        }
        for score, trials in own(bed, encoder, files).items():
            found.setdefault((draw.case, score), []).append(assess(trials))
    skipped = _beside(drawn, encoder, found, options, install=not quick, tell=tell)
    return Report(
        measured=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        version=__version__,
        model=f"{encoder.name} ({encoder.metadata.get('aimux.precision', 'of unknown precision')})",
        draws=amount.draws,
        rows={"in scope": amount.inside, "near": amount.near, "far": amount.far},
        thresholds=thresholds,
        lines=_in_order(found),
        attacks=_attacks(encoder, drawn, tell),
        follow_ups=_follow_ups(encoder, drawn, tell),
        guards=_guards(encoder, data, tell),
        tunings=_tunings(encoder, drawn, tell),
        costs=_costs(files, drawn, tell),
        skipped=skipped,
    )


def _beside(
    drawn: Sequence[Draw],
    encoder: Encoder,
    found: dict[tuple[str, str], list[Quality]],
    options: argparse.Namespace,
    *,
    install: bool,
    tell: Tell,
) -> list[str]:
    """Add the peer's figures; why they are left out, where they are."""
    python = "it was not wanted" if options.without_peer else find(SEMANTIC_ROUTER, install=install)
    if isinstance(python, str):
        return [f"{PEER}: {python}"]
    tell(f"the same by {PEER}")
    for draw, trials in zip(drawn, by_semantic_router(python, drawn, encoder), strict=True):
        found.setdefault((draw.case, PEER), []).append(assess(trials))
    return []


def _in_order(found: Mapping[tuple[str, str], Sequence[Quality]]) -> list[Line]:
    """A line for each case and score, the scores of one case together."""
    cases = list(dict.fromkeys(case for case, _ in found))
    return [line_of(case, score, found[case, score]) for case in cases for of, score in found if of == case]


def _attacks(encoder: Encoder, drawn: Sequence[Draw], tell: Tell) -> Sequence[AttackRow]:
    """The second table."""
    tell("hostile texts")
    return suites(encoder, drawn)


def _follow_ups(encoder: Encoder, drawn: Sequence[Draw], tell: Tell) -> Sequence[FollowUpRow]:
    """The third table."""
    tell("conversations")
    return follow_ups(encoder, drawn)


def _guards(encoder: Encoder, data: Data, tell: Tell) -> Sequence[GuardRow]:
    """The fourth table."""
    tell("guards")
    return list(guards(encoder, data))


def _tunings(encoder: Encoder, drawn: Sequence[Draw], tell: Tell) -> Sequence[TuningRow]:
    """The fifth table."""
    tell("tuned thresholds")
    return tunings(encoder, drawn)


def _costs(files: ModelFiles, drawn: Sequence[Draw], tell: Tell) -> Sequence[CostRow]:
    """The sixth table: by an encoder that reads each text each time."""
    tell("what a new text costs")
    return costs(Encoder.load(files), drawn)


def _kept(results: Path) -> Report:
    try:
        return from_json(results.read_text())
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{results} holds no results of this program: measure again: {error!r}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.routing", description="How well texts find their routes")
    parser.add_argument("--quick", action="store_true", help="fewer draws and rows; so does QUICK=1 in the environment")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=f"labelled data ({_VARIABLE}, or {_DATA})")
    parser.add_argument("--model", type=Path, metavar="FILE", default=ROOT / "models" / MODEL_NAME, help="ONNX file")
    parser.add_argument("--without-peer", action="store_true", help=f"leave {PEER} out")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into the document")
    parser.add_argument("--document", type=Path, default=_DOCUMENT, metavar="FILE", help="docs/routing-quality.md")
    parser.add_argument("--results", type=Path, default=_RESULTS, metavar="FILE", help="where the figures are kept")
    parser.add_argument("--render", action="store_true", help="measure nothing: show and write what is kept there")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
