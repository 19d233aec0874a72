"""`aimux model pull`: get the embedding model, with progress, and leave nothing half-done behind."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from aimux.cli import console
from aimux.cli.defaults import DEFAULT_CONFIG
from aimux.config.load import load
from aimux.config.problem import ConfigError
from aimux.intent.fetch import cache_folder
from aimux.intent.model import MODEL_NAME, ModelError, Precision
from aimux.intent.pull import Outcome, Report, Source, Step
from aimux.intent.pull import pull as put_in_place

DEFAULT_TARGET: Final = Path("models", MODEL_NAME)

# How far a whole pull is when a step begins, by what the steps take over a usual line.
_BEGINS: Final = {Step.DOWNLOAD: 0.0, Step.VERIFY: 0.85, Step.BUILD: 0.9, Step.TRY: 0.98}
_DOWNLOAD_SHARE: Final = 0.85


def pull(precision: str, config: Path | None, output: Path | None, *, force: bool) -> int:
    """Get the model to where `output` or the configuration says; the exit code."""
    if config is not None and output is not None:
        console.problem("aimux: give --config or --output, not both")
        return 2
    try:
        target = output or _configured(config)
    except ConfigError as error:
        for problem in error.problems:
            console.problem(f"aimux: {problem}")
        return 2
    try:
        with _interruptible(), _progress() as report:
            outcome = put_in_place(target, Precision(precision), Source(cache=cache_folder()), report, force=force)
    except ModelError as error:
        console.problem(f"aimux: {error}")
        return 1
    console.success(_say(outcome, target, precision))
    return 0


def _configured(config: Path | None) -> Path:
    """Where the configuration wants its model; without any configuration, where its default would."""
    if config is None and not DEFAULT_CONFIG.exists():
        return DEFAULT_TARGET
    return load(config or DEFAULT_CONFIG, os.environ).config.semantic_engine.model_path


def _say(outcome: Outcome, target: Path, precision: str) -> str:
    if outcome is Outcome.CURRENT:
        return f"{target} is up to date ({precision}); --force builds it again"
    size = f"{target.stat().st_size / 1e6:.0f} MB"
    how = "copied from the installed package" if outcome is Outcome.COPIED else "built from the published weights"
    return f"{target} is ready: {precision}, {size}, {how}"


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar on a terminal, a line a step elsewhere."""
    if not sys.stdout.isatty():
        yield _lines()
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("looking for the model", total=1.0)

        def show(step: Step, done: float) -> None:
            reached = _BEGINS[step] + (done * _DOWNLOAD_SHARE if step is Step.DOWNLOAD else 0)
            bar.update(task, description=step.value, completed=reached)

        yield show


def _lines() -> Report:
    said: set[Step] = set()

    def show(step: Step, done: float) -> None:  # noqa: ARG001
        if step not in said:
            said.add(step)
            console.line(step.value)
            sys.stdout.flush()

    return show


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that it is cleaned up after."""

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
