"""`aimux check`: everything that is wrong with a configuration, at once."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aimux.cli import console
from aimux.cli.findings import as_objects, count, fails, findings_in, show
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, Problem

if TYPE_CHECKING:
    from aimux.intent.findings import Finding


def check(config: Path, *, strict: bool, as_json: bool) -> int:
    """Load a configuration, look at its routes, and say what it holds or what is wrong with it; the exit code.

    Without the model that its routes or guards need it is not ok, since no gateway starts with it.
    """
    loaded = load_or_say(config, as_json=as_json)
    if loaded is None:
        return 2
    findings, unseen = _look(loaded)
    failed = unseen is not None or fails(findings, strict=strict)
    if as_json:
        said = {"ok": not failed, "problems": [], "warnings": loaded.warnings}
        print(json.dumps({**said, "findings": as_objects(findings, loaded), "routes_not_looked_at": unseen}))
    else:
        _report(loaded, findings, unseen, failed=failed)
    return 2 if unseen is not None else int(failed)


def load_or_say(config: Path, *, as_json: bool) -> Loaded | None:
    """The loaded configuration, or None after every problem in it has been said."""
    try:
        return load(config, os.environ)
    except ConfigError as error:
        _report_problems(error.problems, as_json=as_json)
        return None


def _look(loaded: Loaded) -> tuple[list["Finding"], str | None]:
    """What is wrong with the routes, and why the model to look at them cannot be had. Notes are for `aimux lint`."""
    if not loaded.policy.needs_scores:
        return [], None
    from aimux.intent.model import ModelError

    try:
        return [finding for finding in findings_in(loaded) if finding.severity.value != "note"], None
    except ModelError as error:
        return [], str(error)


def _report_problems(problems: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        console.line(json.dumps({"ok": False, "problems": [_as_object(problem) for problem in problems]}))
        return
    for problem in problems:
        console.problem(str(problem))
    console.problem(f"{count(len(problems), 'problem')} found")


def _report(loaded: Loaded, findings: list["Finding"], unseen: str | None, *, failed: bool) -> None:
    for warning in loaded.warnings:
        console.note(f"{loaded.path}: warning: {warning}")
    show(findings, loaded)
    if unseen is not None:
        console.problem(f"{loaded.path}: no gateway starts with it here: {unseen}")
        return
    if failed:
        console.problem(f"{loaded.path}: the routes have errors")
        return
    config = loaded.config
    console.success(
        f"{loaded.path}: ok: {count(len(config.routes), 'route')}, {count(len(config.agents), 'agent')}, "
        f"{'a' if config.fallback else 'no'} fallback"
    )


def _as_object(problem: Problem) -> dict[str, object]:
    return {
        "source": problem.source,
        "line": problem.line,
        "where": problem.where,
        "message": problem.message,
        "remedy": problem.remedy,
    }
