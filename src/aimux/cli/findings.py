"""Findings in routes and guards as commands show them: on one line, or as an object, with the place of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aimux.cli import console
from aimux.cli.loading import unusable
from aimux.config.load import Loaded
from aimux.config.problem import printable
from aimux.config.report import Report, where
from aimux.config.schema import Config
from aimux.config.yaml_tree import Mapping, Node, parse
from aimux.config.yaml_tree import Sequence as Items

if TYPE_CHECKING:
    from aimux.intent.findings import Finding


def findings_in(loaded: Loaded) -> list["Finding"]:
    """Look at the routes and guards of a configuration; of one that would not be served, say no more than why.

    Raises ModelError where it needs a model and there is none.
    """
    from aimux.intent.counted import counted
    from aimux.intent.encoder import Encoder, EncodingError
    from aimux.intent.findings import Shown
    from aimux.intent.lint import lint
    from aimux.intent.model import ModelError, locate
    from aimux.intent.reader import load_reader
    from aimux.intent.usable import unusable_intents

    policy, engine = loaded.policy, loaded.config.semantic_engine
    if not policy.needs_scores:
        return list(counted(policy))
    try:
        files, shown = locate(engine.model_path), Shown.by(loaded.display)
        encoder = Encoder.load(files)
        fatal = unusable_intents(policy, encoder, shown)
        if fatal:
            return fatal
        reader = load_reader(policy, files, engine.max_tokens, encoder)
        return lint(policy, reader.index, encoder, shown, engine.thresholds_model)
    except (EncodingError, OSError) as error:
        raise ModelError(unusable(error)) from error


def fails(findings: Sequence["Finding"], *, strict: bool) -> bool:
    """Whether a command fails for these: a configuration that is not served always does, other errors if `strict`."""
    return any(finding.is_fatal or (strict and finding.severity.value == "error") for finding in findings)


def count(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def show(findings: Sequence["Finding"], loaded: Loaded) -> None:
    """Print a line for each finding."""
    for finding, found in zip(findings, as_objects(findings, loaded), strict=True):
        place = f"{loaded.path}:{found['line']}: {found['where']}"
        say = console.problem if finding.severity.value == "error" else console.note
        say(printable(f"{place}: {finding}"))


def as_objects(findings: Sequence["Finding"], loaded: Loaded) -> list[dict[str, object]]:
    """Findings for machines: what a problem of the configuration has, and what only a finding has."""
    root = parse(loaded.text, Report(str(loaded.path)))
    paths = [_path(finding, loaded.config) for finding in findings]
    return [
        {
            "source": str(loaded.path),
            "line": _line(root, path),
            "where": where(path),
            "message": finding.message,
            "remedy": finding.remedy,
            "severity": finding.severity.value,
            "code": finding.code.value,
            "routes": finding.routes,
            "guards": finding.guards,
            "group": finding.group,
            "texts": finding.texts,
            "similarity": None if finding.similarity is None else round(finding.similarity, 4),
        }
        for finding, path in zip(findings, paths, strict=True)
    ]


def _path(finding: "Finding", config: Config) -> tuple[str | int, ...]:
    if finding.group is not None:
        if finding.group in config.groups:
            return ("groups", finding.group)
        return ("agents", next(at for at, each in enumerate(config.agents) if finding.group in each.groups), "groups")
    if finding.route is None and finding.guard is None:
        return ("semantic_engine", "thresholds_model")
    path: tuple[str | int, ...] = ("semantic_engine", "guards", finding.guard or 0)
    if finding.route is not None:
        path = ("routes", finding.route)
    return path if finding.intent is None else (*path, "intents", finding.intent)


def _line(node: Node | None, path: tuple[str | int, ...]) -> int | None:
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str):
            node = node.entries.get(step)  # what the environment sets stands nowhere
        elif isinstance(node, Items) and isinstance(step, int):
            node = node.items[step]
    return None if node is None else node.line
