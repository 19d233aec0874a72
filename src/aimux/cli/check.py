"""`aimux check`: everything that is wrong with a configuration, at once."""

import json
import os
from pathlib import Path

from aimux.cli import console
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, Problem


def check(config: Path, *, as_json: bool) -> int:
    """Load a configuration and say what it holds or what is wrong with it."""
    try:
        loaded = load(config, os.environ)
    except ConfigError as error:
        _report_problems(error.problems, as_json=as_json)
        return 2
    _report_success(loaded, as_json=as_json)
    return 0


def _report_problems(problems: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        console.line(json.dumps({"ok": False, "problems": [_as_object(problem) for problem in problems]}))
        return
    for problem in problems:
        console.problem(str(problem))
    console.problem(f"{_count(len(problems), 'problem')} found")


def _report_success(loaded: Loaded, *, as_json: bool) -> None:
    if as_json:
        console.line(json.dumps({"ok": True, "problems": [], "warnings": loaded.warnings}))
        return
    for warning in loaded.warnings:
        console.note(f"{loaded.path}: warning: {warning}")
    config = loaded.config
    console.success(
        f"{loaded.path}: ok: {_count(len(config.routes), 'route')}, {_count(len(config.agents), 'agent')}, "
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


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
