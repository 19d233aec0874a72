"""`aimux route`: what the gateway would do with a text, and why; nothing is forwarded."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aimux.cli import console
from aimux.cli.batch import Row, rows_of
from aimux.cli.loading import load_or_report, reader_of, unusable
from aimux.cli.rows import RowsError, is_unicode, say
from aimux.config.load import Loaded
from aimux.config.problem import quoted
from aimux.core.routing import PartMatch
from aimux.core.scores import Found, Scores
from aimux.gateway.dry_run import Judgement, judge

if TYPE_CHECKING:
    from aimux.gateway.explaining import Explanation
    from aimux.intent.reader import TextReader

_BAR = 24


def route(
    text: str | None,
    agent: str | None,
    config: Path,
    batch: Path | None,
    *,
    as_json: bool,
    scores: bool,
    explain: bool = False,
) -> int:
    """Judge one text, or each line of a batch; the exit code."""
    if (text is None) == (batch is None):
        return _fail("give either a TEXT or --batch FILE.jsonl", 2)
    loaded = load_or_report(config)
    if loaded is None:
        return 2
    if not is_unicode(text or ""):
        return _fail("the TEXT is not valid UTF-8: write it in UTF-8", 2)
    from aimux.intent.encoder import EncodingError
    from aimux.intent.model import ModelError

    try:
        rows = None if batch is None else rows_of(batch)
        reader = _reader(loaded)
        score = _scorer(loaded, reader)
        if rows is not None:
            return _print_batch(rows, loaded, score, with_scores=scores)
        explained = _explained(text or "", agent, loaded, reader) if explain else None
        found = explained.judgement if explained else judge(text or "", agent, loaded.policy, score)
    except RowsError as error:
        say(error)
        return 2
    except (ModelError, EncodingError) as error:
        return _fail(unusable(error), 1)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(str(error), 1)
    _print(found, explained, loaded, as_json=as_json)
    return 0


def _explained(text: str, agent: str | None, loaded: Loaded, reader: "TextReader | None") -> "Explanation":
    from aimux.gateway.explaining import explain
    from aimux.intent.explain import Looks

    return explain(text, agent, loaded.policy, Looks(reader))


def _print(found: Judgement, explained: "Explanation | None", loaded: Loaded, *, as_json: bool) -> None:
    if explained is None:
        if as_json:
            print(json.dumps(as_dict(found, with_scores=True)))
        else:
            _show(found, loaded)
        return
    from aimux.cli.explain import as_dict as why
    from aimux.cli.explain import show

    if as_json:
        print(json.dumps({**as_dict(found, with_scores=True), **why(explained, loaded)}))
    else:
        _show(found, loaded)
        show(explained, loaded)


def _fail(message: str, code: int) -> int:
    console.problem(f"aimux: {message}")
    return code


def _reader(loaded: Loaded) -> "TextReader | None":
    return reader_of(loaded.policy, loaded) if loaded.policy.needs_scores else None


def _scorer(loaded: Loaded, reader: "TextReader | None") -> Callable[[str], Found]:
    return reader.score if reader else lambda _: Scores((None,) * len(loaded.policy.routes))


def _print_batch(rows: Iterable[Row], loaded: Loaded, score: Callable[[str], Found], *, with_scores: bool) -> int:
    for text, agent in rows:
        found = judge(text, agent, loaded.policy, score)
        print(json.dumps(as_dict(found, with_scores=with_scores)))
    return 0


def as_dict(found: Judgement, *, with_scores: bool) -> dict[str, object]:
    """A judgement as `--json` and `--batch` give it; scores are rounded to four places."""
    fields: dict[str, object] = {
        "text": found.text,
        "agent": found.agent,
        "verdict": found.verdict,
        "status": found.status,
        "route": found.route,
        "score": _rounded(found.score),
        "runner_up": found.runner_up,
        "margin": _rounded(found.margin),
        "rule": found.says,
        "rule_id": found.rule.id,
        "best": found.best,
        "best_score": _rounded(found.best_score),
        "part": None if found.part is None else _part_as_dict(found.part),
    }
    if found.candidates:
        fields["candidates"] = list(found.candidates)
    if with_scores:
        fields["scores"] = {name: _rounded(value) for name, value in found.scores}
    return fields


def _part_as_dict(part: PartMatch) -> dict[str, object]:
    start, end = part.span or (None, None)
    score = round(part.lead.score, 4)
    return {"route": part.lead.route.name, "start": start, "end": end, "text": part.words, "score": score}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _show(found: Judgement, loaded: Loaded) -> None:
    console = Console(highlight=False)
    colour = "green" if found.status == 200 else "red"
    target = f" → {found.route}" if found.verdict == "forward" else ""
    console.print(f"[bold {colour}]{found.verdict}[/] ({found.status}){target}")
    console.print(f"  {escape(found.message)}")
    console.print(f"  rule: {escape(found.says)}")
    console.print(f"  rule id: {found.rule.id}")
    if found.part is not None:
        console.print(f"  part: {escape(quoted(found.part.words))}")
    if found.candidates:
        console.print(f"  candidates: {', '.join(found.candidates)}")
    if not found.scores:
        return
    table = Table(box=None, padding=(0, 2, 0, 2))
    table.add_column("route")
    table.add_column("score", justify="right")
    table.add_column("")
    table.add_column("min_score", justify="right")
    for name, value in sorted(found.scores, key=lambda pair: -pair[1]):
        minimum = loaded.policy.by_name[name].min_score
        bar = "█" * round(value * _BAR)
        table.add_row(name, f"{value:.3f}", f"[{'cyan' if value >= minimum else 'dim'}]{bar}[/]", f"{minimum:.2f}")
    console.print(table)
    if found.margin is not None:
        needed, of = loaded.policy.ambiguity_threshold, ""
        if found.part is not None and found.part.chose:
            of = f" of '{found.part.lead.route.name}' in that part"
        console.print(f"  margin{of} {found.margin:.3f} over '{found.runner_up}' (ambiguity_threshold {needed:.2f})")
