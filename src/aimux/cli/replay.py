"""`aimux replay`: what of the recorded traffic a new configuration would decide otherwise; nothing is forwarded."""

import json
import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aimux.audit.decisions import Decisions
from aimux.audit.errors import AuditError
from aimux.audit.filters import FilterError, parse
from aimux.audit.format.writing import moment
from aimux.cli import console
from aimux.cli.findings import count
from aimux.cli.loading import note_thresholds, unusable
from aimux.cli.progress import progress
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, printable
from aimux.core.rules import Rule
from aimux.core.scores import Found
from aimux.gateway.changes import Example, Group, Kind, Tally
from aimux.gateway.replay import Basis, Replay, Unjudged
from aimux.gateway.rescoring import Version

if TYPE_CHECKING:
    from aimux.intent.remembering import Remembering

_CHANGED: Final = 1
_UNUSABLE: Final = 2
_LEFT: Final = 3
_MOST_REMEMBERED: Final = 4096
_LONGEST_SHOWN: Final = 160
_KINDS: Final = {
    Kind.ALLOWED: "newly allowed",
    Kind.REROUTED: "another route",
    Kind.REFUSED: "newly refused",
    Kind.OTHERWISE: "refused otherwise",
}
_BASES: Final = {
    Basis.TEXT_ALONE: "on the text alone: other messages and fields of the request count too, and are not recorded",
    Basis.SCORES: "on the recorded scores: what parts of the text stand for is not recorded",
    Basis.SAME_CONFIGURATION: "by having been decided by this very configuration",
}
_BEFORE: Final = "give the configuration that decided with --before"
_FULL: Final = "record with audit.text: full"
_WHY: Final = {
    Unjudged.NO_TEXT: f"the text was not recorded: {_FULL}, or {_BEFORE}",
    Unjudged.EXCERPT: f"only an excerpt of the text was recorded: {_FULL}, or {_BEFORE}",
    Unjudged.BLOTTED: f"a secret was blotted out of the text: {_BEFORE}, or try such requests with `aimux route`",
    Unjudged.PARTS: "only the scores are known, and the rest of the text could decide: " + _FULL,
    Unjudged.BODY: "guards would look at the body now, which was not read so: try such requests",
    Unjudged.CALLER: f"the name of an unregistered caller is not recorded, and could be registered now: {_BEFORE}",
    Unjudged.ROUTE_NAME: f"it names a route that did not exist, and could now: {_BEFORE}",
    Unjudged.NAMING: "whether it names a route, which would decide now, is not recorded: try such requests",
    Unjudged.IDENTITY: "identity was looked for in other places than now: try such requests",
    Unjudged.OTHER_TEXTS: "texts that are not recorded decide too, of a list or of earlier turns: try such requests",
    Unjudged.STANDING: "it was decided under a state of the running gateway that is not recorded: try such requests",
    Unjudged.RECORD: "another version of AIMux has recorded it: replay with that one",
}


def replay(
    source: Path, config: Path, olds: Sequence[Path], given: Mapping[str, str], *, as_json: bool, show: int
) -> int:
    """Decide every recorded request again and print what would change; the exit code."""
    from aimux.intent.encoder import EncodingError
    from aimux.intent.model import ModelError

    try:
        filters = parse(given, time.time())
        new, known = load(config, os.environ), [load(path, os.environ) for path in olds]
        decisions, tally, used = Decisions(source, filters), Tally(show), set()
        reader = _Reader(new)
        again = Replay(_version(new, reader.digest), {old.digest: _version(old) for old in known}, reader.score)
        with progress("reading the log") as report:
            for decided in decisions:
                used.add(decided.config)
                tally.add(decided, again.judge(decided), proved=again.knows(decided))
                report(f"{count(tally.requests, 'request')} judged, up to {moment(decided.time)}")
    except ConfigError as error:
        return _unusable(*map(str, error.problems))
    except (FilterError, AuditError, ModelError) as error:
        return _unusable(str(error))
    except (EncodingError, OSError) as error:
        return _unusable(unusable(error))
    if not tally.requests:
        return _unusable(_nothing(source, decisions))
    if as_json:
        print(json.dumps(_as_dict(source, new, tally, decisions), indent=2))
    else:
        for line in _lines(source, config, tally):
            console.line(printable(line))
    if reader.digest is not None:
        note_thresholds(new, reader.digest)
    strange = [path for path, old in zip(olds, known, strict=True) if old.digest not in used]
    for note in _notes(tally, decisions, strange):
        console.note(printable(f"aimux: {note}"))
    return _CHANGED if tally.changed else _LEFT if tally.left or decisions.faults else 0


def _unusable(*messages: str) -> int:
    for message in messages:
        console.problem(printable(f"aimux: {message}"))
    return _UNUSABLE


def _nothing(source: Path, decisions: Decisions) -> str:
    if decisions.faults:
        return f"nothing can be read of {source}, {decisions.said[0]}: name a log's folder, or an export as JSON lines"
    return f"{source} holds no requests, or none of that time: there is nothing to judge the configuration by"


def _version(loaded: Loaded, model: str | None = None) -> Version:
    return Version(loaded.policy, loaded.config.semantic_engine.max_tokens, model)


class _Reader:
    """Scores texts by a configuration. The model is loaded for the first one, and what was read is remembered."""

    def __init__(self, loaded: Loaded) -> None:
        """Raises ModelError and OSError where there is no model."""
        from aimux.intent.encoder import digest_of
        from aimux.intent.model import locate

        engine, self._loaded = loaded.config.semantic_engine, loaded
        self.digest = digest_of(locate(engine.model_path)) if loaded.policy.needs_scores else None
        self._reader: Remembering | None = None
        self._known: OrderedDict[bytes, Found] = OrderedDict()

    def score(self, text: str) -> Found:
        """The scores of a text. Raises ModelError, EncodingError and OSError where the model cannot be used."""
        key = sha256(text.encode()).digest()
        found = self._known.pop(key, None) or self._read(text)
        self._known[key] = found
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _read(self, text: str) -> Found:
        if self._reader is None:
            from aimux.intent.model import locate
            from aimux.intent.reader import load_reader
            from aimux.intent.remembering import Remembering

            engine = self._loaded.config.semantic_engine
            reader = load_reader(self._loaded.policy, locate(engine.model_path), engine.max_tokens)
            self._reader = Remembering(reader)
        return self._reader.score(text)


# What is printed.


def _lines(source: Path, config: Path, tally: Tally) -> Iterator[str]:
    yield (
        f"{source} by {config}: {count(tally.requests, 'request')}, {tally.changed} would be decided otherwise, "
        f"{tally.left} could not be judged"
    )
    if tally.changed:
        yield ""
        yield from _table(tally.groups)
        yield ""
        yield from _examples(tally)
    yield ""
    exact = tally.judged[Basis.EXACT]
    yield f"{exact:>8}  judged exactly"
    for basis, said in _BASES.items():
        if tally.judged[basis]:
            yield f"{tally.judged[basis]:>8}  judged {said}"
    if tally.aside:
        codes = ", ".join(f"{code} {number}" for code, number in tally.aside.most_common())
        yield f"{tally.aside.total():>8}  not about policy: {codes}"
    for why, number in tally.unjudged.most_common():
        yield f"{number:>8}  not judged: {_WHY[why]}"


def _table(groups: Sequence[Group]) -> Iterator[str]:
    rows = [("", "before", "after", "requests", "callers")]
    for group in groups:
        callers = ", ".join([*group.agents, *(["..."] if group.more_agents else [])])
        rows.append((_KINDS[group.kind], group.before, group.after, str(group.count), callers))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        kind, before, after = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"{kind}  {before}  {after}  {row[3]:>8}  {row[4]}"


def _examples(tally: Tally) -> Iterator[str]:
    shown = list(tally.examples())
    more = f", the first {len(shown)} of {tally.changed}; see --show" if len(shown) < tally.changed else ""
    yield f"would be decided otherwise{more}:"
    for group, example in shown:
        decided, judged = example.decided, example.judged
        text = "" if decided.text is None else f"  {_quoted(decided.text)}"
        part = "" if judged.basis is Basis.EXACT else f"; judged {_BASES[judged.basis].partition(':')[0]}"
        yield f"{moment(decided.time)}  {decided.request_id}  {decided.caller}{text}"
        yield f"    {_KINDS[group.kind]}: {group.before} -> {group.after}: {judged.says}{part}"


def _quoted(text: str) -> str:
    """Quoted, so that nothing in a text reaches the terminal as anything but text."""
    return json.dumps(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")


def _notes(tally: Tally, decisions: Decisions, strange: Sequence[Path]) -> Iterator[str]:
    if decisions.faults:
        yield (
            f"{count(decisions.faults, 'record')} with faults, that cannot be read or do not follow, "
            f"first {decisions.said[0]}: run `aimux audit verify`"
        )
    if tally.unproved:
        yield (
            f"who asked is taken from the record in {count(tally.unproved, 'request')}: that `identity` was "
            f"the same as now is proved by nothing; {_BEFORE} to be sure"
        )
    in_part = tally.judged[Basis.TEXT_ALONE] + tally.judged[Basis.SCORES]
    if in_part:
        yield f"{count(in_part, 'request')} judged in part: what seems to be forwarded may be refused"
    for path in strange:
        yield f"{path} decided none of these requests, by its digest, in which file paths count as absolute ones"


def _as_dict(source: Path, new: Loaded, tally: Tally, decisions: Decisions) -> dict[str, object]:
    examples: dict[int, list[dict[str, object]]] = {}
    for group, example in tally.examples():
        examples.setdefault(id(group), []).append(_as_object(example))
    return {
        "audit": str(source),
        "configuration": new.digest,
        "requests": tally.requests,
        "changed": tally.changed,
        "not_judged": tally.left,
        "judged": {basis.value: tally.judged[basis] for basis in Basis},
        "why_not_judged": {why.value: number for why, number in tally.unjudged.most_common()},
        "not_about_policy": dict(tally.aside.most_common()),
        "identity_taken_as_recorded": tally.unproved,
        "faulty_records": decisions.faults,
        "faults": decisions.said,
        "changes": [
            {
                "kind": group.kind.value,
                "before": group.before,
                "after": group.after,
                "requests": group.count,
                "judged_in_part": group.in_part,
                "callers": group.agents,
                "more_callers": group.more_agents,
                "examples": examples.get(id(group), []),
            }
            for group in tally.groups
        ],
    }


def _as_object(example: Example) -> dict[str, object]:
    decided, judged = example.decided, example.judged
    return {
        "time": moment(decided.time),
        "request_id": decided.request_id,
        "agent": decided.agent,
        "identity": decided.identity,
        "text": decided.text,
        "verdict": decided.verdict,
        "route": decided.route,
        "rule": decided.says,
        "rule_id": _id(decided.rule),
        "new": {
            "verdict": judged.verdict,
            "route": judged.route,
            "rule": judged.says,
            "rule_id": _id(judged.rule),
            "basis": judged.basis.value,
        },
    }


def _id(rule: Rule | None) -> str | None:
    return None if rule is None else rule.id
