"""`aimux eval`: how well a configuration routes labelled texts, with intervals; nothing is forwarded."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from aimux.cli import console
from aimux.cli.labelled import Labelled, labelled_or_report, repeats_of_intents
from aimux.cli.loading import load_or_report, reader_of, unusable
from aimux.core.policy import Policy
from aimux.gateway.trials import attempt, by_meaning_alone
from aimux.intent.quality import COVERAGE, FEW, Estimate, InScope, Outcome, OutOfScope, Quality, Trial, assess

_WIDTH: Final = 54
_SAID: Final = {
    Outcome.FORWARDED: "forwarded to {route}",
    Outcome.AMBIGUOUS: "409, best is {route}",
    Outcome.NO_MATCH: "no match, best is {route}",
    Outcome.UNREAD: "refused unread",
}
_ORDER: Final = tuple(_SAID)
Rows = list[tuple[Labelled, Trial]]


def evaluate(labelled: Path, config: Path, *, as_json: bool, show: int) -> int:
    """Try every row and print the figures; the exit code."""
    loaded = load_or_report(config)
    if loaded is None:
        return 2
    policy = by_meaning_alone(loaded.policy)
    rows = labelled_or_report(labelled, config, policy)
    if rows is None:
        return 2
    from aimux.intent.encoder import EncodingError
    from aimux.intent.model import ModelError

    try:
        score = reader_of(policy, loaded).score
        tried = [(row, attempt(row.text, row.expected, row.kind, policy, score)) for row in rows]
    except (ModelError, EncodingError, OSError) as error:
        console.problem(f"aimux: {unusable(error)}")
        return 1
    quality = assess([trial for _, trial in tried])
    missed = sorted((pair for pair in tried if not pair[1].is_right), key=lambda pair: _ORDER.index(pair[1].outcome))
    repeated = repeats_of_intents(rows, policy)
    if as_json:
        print(json.dumps(_as_dict(labelled, quality, missed, repeated, policy), indent=2))
        return 0
    for line in _lines(labelled, quality, policy):
        console.line(line)
    for line in _missed_lines(labelled, missed, len(rows), show):
        console.line(line)
    for note in _notes(quality, repeated):
        console.note(f"aimux: {note}")
    return 0


def _groups(quality: Quality) -> Iterator[tuple[str, OutOfScope]]:
    """The rows out of scope as they are told apart: by kind, and all of them where not every row has one."""
    near, far, every = quality.near, quality.far, quality.all_outside
    if near.forwarded.rows:
        yield "near", near
    if far.forwarded.rows:
        yield "far", far
    if near.forwarded.rows + far.forwarded.rows < every.forwarded.rows:
        yield "all", every


def _lines(labelled: Path, quality: Quality, policy: Policy) -> Iterator[str]:
    inside, outside = quality.in_scope.right.rows, quality.all_outside.forwarded.rows
    near, far = quality.near.forwarded.rows, quality.far.forwarded.rows
    yield f"{labelled}: {quality.rows} rows, {inside} in scope, {outside} out of scope ({near} near, {far} far)"
    yield ""
    yield f"{'':<{_WIDTH}}{'value':>8}  {'95 % interval':<17}{'rows':>7}"
    yield _figure("in scope: best route is the right one, any score", quality.in_scope.accuracy)
    for name, estimate in _shares(quality.in_scope):
        yield _figure(f"in scope: {name}", estimate)
    for group, found in _groups(quality):
        yield ""
        yield _figure(f"out of scope, {group}: AUROC against in scope", found.auroc, percent=False)
        yield _figure(f"out of scope, {group}: false forwards at {COVERAGE} % coverage", found.false_forwards)
        for name, estimate in _shares(found):
            yield _figure(f"out of scope, {group}: {name}", estimate)
    yield ""
    yield _figure("all rows: ambiguous (409)", quality.ambiguous)
    least = sorted({route.min_score for route in policy.routes if route.intents})
    span = " to ".join(f"{score:g}" for score in (least[0], *least[1:][-1:]))
    yield f"at min_score {span}, ambiguity_threshold {policy.ambiguity_threshold:g}; access and fallback left aside"
    if quality.threshold is not None and outside:
        yield f"{COVERAGE} % of the rows in scope score {quality.threshold:.3f} or more; the intervals take it as given"


def _shares(found: InScope | OutOfScope) -> Iterator[tuple[str, Estimate]]:
    if isinstance(found, InScope):
        yield "decided right", found.right
        yield "decided wrong", found.wrong
    else:
        yield "forwarded", found.forwarded
    yield "ambiguous (409)", found.ambiguous
    yield "no match", found.no_match
    if found.unread.value:
        yield "refused unread", found.unread


def _figure(name: str, estimate: Estimate, *, percent: bool = True) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"{name:<{_WIDTH}}{'-':>8}  {'no rows':<17}{0:>7}"
    factor, digits, unit = (100, 1, " %") if percent else (1, 3, "")
    value, low, high = (f"{each * factor:.{digits}f}" for each in (estimate.value, estimate.low, estimate.high))
    few = "  too few rows" if estimate.is_on_few else ""
    return f"{name:<{_WIDTH}}{value + unit:>8}  {low + ' - ' + high + unit:<17}{estimate.rows:>7}{few}"


def _missed_lines(labelled: Path, missed: Rows, rows: int, show: int) -> Iterator[str]:
    yield ""
    shown = min(show, len(missed))
    limit = f"; the first {shown}, --show {len(missed)} for all" if shown < len(missed) else ""
    yield f"not decided right: {len(missed)} of {rows} rows{limit}"
    for row, trial in missed[:shown]:
        # Quoted, so that nothing in a text reaches the terminal as anything but text.
        yield f"{labelled.name}:{row.line}  {json.dumps(row.text)}"
        wanted = trial.expected or "no route"
        yield f"    expected {wanted}; {_SAID[trial.outcome].format(route=trial.route)}{_measured(trial)}"
        if trial.part is not None:
            part = trial.part
            yield f"    decided by its part {json.dumps(part.text)} for {part.route}, score {part.score:.3f}"


def _measured(trial: Trial) -> str:
    if trial.route is None:
        return ""
    if trial.runner_up is None or trial.margin is None:
        return f"; score {trial.score:.3f}"
    return f"; score {trial.score:.3f}, {trial.margin:.3f} ahead of {trial.runner_up}"


def _notes(quality: Quality, repeated: int) -> Iterator[str]:
    groups = [("in scope", quality.in_scope.right.rows)]
    groups += [(f"out of scope ({group})", found.forwarded.rows) for group, found in _groups(quality)]
    if not quality.all_outside.forwarded.rows:
        groups.append(("out of scope", 0))
    for name, rows in groups:
        if rows < FEW:
            yield f"{rows} rows {name} are too few for an interval to mean anything: label at least {FEW}, better 100"
    if repeated:
        yield f"{repeated} rows are intents of the configuration word by word, which flatters it: label other texts"


def _as_dict(labelled: Path, quality: Quality, missed: Rows, repeated: int, policy: Policy) -> dict[str, object]:
    figures = asdict(quality)
    _mark_few(figures)
    return {
        "file": str(labelled),
        "configuration": policy.digest,
        "ambiguity_threshold": policy.ambiguity_threshold,
        "min_score": {route.name: route.min_score for route in policy.routes if route.intents},
        "repeated_intents": repeated,
        **figures,
        "missed": [{"line": row.line, **asdict(trial)} for row, trial in missed],
    }


def _mark_few(figures: dict[str, object]) -> None:
    for value in figures.values():
        if isinstance(value, dict) and "low" in value:
            value["too_few_rows"] = value["rows"] < FEW
        elif isinstance(value, dict):
            _mark_few(value)
