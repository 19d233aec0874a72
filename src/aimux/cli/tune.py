"""`aimux tune`: thresholds from labelled texts, what they come to on texts not fitted, and a patch that sets them."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.cli import console
from aimux.cli.labelled import Labelled, labelled_or_report, repeats_of_intents
from aimux.cli.loading import load_or_report, reader_of, unusable
from aimux.cli.tune_report import Told, as_dict, lines, notes, shortfall
from aimux.config.edit import EditError
from aimux.config.load import Loaded
from aimux.config.retuned import Retuning, patch, retuned
from aimux.core.policy import Policy
from aimux.gateway.trials import by_meaning_alone
from aimux.gateway.tuning import Tuned
from aimux.gateway.tuning import tune as fit
from aimux.intent.encoder import EncodingError
from aimux.intent.model import ModelError
from aimux.intent.quality import FEW
from aimux.intent.reader import TextReader
from aimux.intent.reread import ReadTexts
from aimux.intent.tuning import LEADS, not_below

MOST: Final = 50.0
UNMET: Final = 3
"""The exit code where the held-out rows do not keep to the wanted rate."""


def tune(labelled: Path, config: Path, *, false_forwards: float, lower_ambiguity: bool, as_json: bool) -> int:
    """Fit thresholds to the rows, and print them with what they come to; the exit code.

    No ambiguity_threshold below the configured one is proposed unless `lower_ambiguity`: a row has one route or none,
    so that 409 is right for none, and rows never speak for refusing texts that mean two routes.
    """
    if not 0 < false_forwards <= MOST:
        console.problem(f"aimux: --false-forwards {false_forwards:g}: give a percentage above 0, at most {MOST:g}")
        return 2
    loaded = load_or_report(config)
    if loaded is None:
        return 2
    policy = by_meaning_alone(loaded.policy)
    rows = labelled_or_report(labelled, config, policy)
    if rows is None:
        return 2
    if lacking := list(_lacking(rows)):
        for message in lacking:
            console.problem(f"aimux: {labelled}: {message}")
        return 1
    leads = LEADS if lower_ambiguity else not_below(policy.ambiguity_threshold)
    try:
        reader = reader_of(policy, loaded)
        tuned = _tuned(rows, policy, reader, false_forwards / 100, leads)
    except (ModelError, EncodingError, OSError) as error:
        console.problem(f"aimux: {unusable(error)}")
        return 1
    told = Told(labelled, loaded, policy, rows, tuned, reader.encoder.digest, false_forwards / 100)
    return _tell(told, as_json=as_json)


def _lacking(rows: Sequence[Labelled]) -> Iterator[str]:
    """What there is too little of to propose anything."""
    inside = sum(row.expected is not None for row in rows)
    for name, count in (("in scope", inside), ("out of scope", len(rows) - inside)):
        if count < FEW:
            more = f"label at least {FEW - count} more, better 100 in all"
            yield f"{count} rows {name} are too few to tune thresholds on: {more}"


def _tuned(
    rows: Sequence[Labelled], policy: Policy, reader: TextReader, wanted: float, leads: Sequence[float]
) -> Tuned:
    texts = ReadTexts(reader, (row.text for row in rows))
    return fit([(row.text, row.expected, row.kind) for row in rows], policy, texts, wanted, leads)


def _tell(told: Told, *, as_json: bool) -> int:
    if told.tuned.proposal is None:
        console.problem(f"aimux: {told.labelled}: {shortfall(told)}")
        return 1
    change = _change(told.loaded, Retuning(told.tuned.proposal.least, told.tuned.proposal.lead, told.model))
    if as_json:
        print(json.dumps({**as_dict(told), **change.as_dict()}, indent=2))
    else:
        for line in lines(told):
            console.line(line)
        change.show(told.loaded.path)
    for note in (*notes(told), *_flattered(told)):
        console.note(f"aimux: {note}")
    if not told.is_met:
        console.problem(
            f"aimux: {told.labelled}: held out, false forwards are more than the wanted {told.wanted * 100:g} %: "
            "label more rows, or ask for a rate that can be had"
        )
        return UNMET
    return 0


def _flattered(told: Told) -> Iterator[str]:
    if repeated := repeats_of_intents(told.rows, told.policy):
        yield f"{repeated} rows are intents of the configuration word by word, which flatters it: label other texts"


@dataclass(frozen=True, slots=True)
class _Change:
    """How the thresholds come into the file: by a patch, empty where it has them, or else by hand, and why."""

    patch: str | None
    by_hand: str
    why: str = ""

    def show(self, config: Path) -> None:
        """Print the patch as the last thing, so that `patch` finds it there."""
        if self.patch is None:
            console.line(f"no patch of {config} can be made: {self.why}; put this in by hand:")
            console.line()
            console.line(self.by_hand)
        elif not self.patch:
            console.line(f"{config} has these thresholds already")
        else:
            _print_as_it_is(self.patch)

    def as_dict(self) -> dict[str, object]:
        """The same for machines."""
        return {"patch": self.patch, "by_hand": self.by_hand, "why_no_patch": self.why or None}


def _change(loaded: Loaded, wanted: Retuning) -> _Change:
    by_hand = "\n".join(wanted.by_hand())
    try:
        text = retuned(loaded, wanted, os.environ)
        return _Change(patch(loaded, loaded.path.read_bytes(), text), by_hand)
    except EditError as error:
        return _Change(None, by_hand, str(error))
    except OSError as error:
        return _Change(None, by_hand, f"it cannot be read again: {error.strerror or error}")


def _print_as_it_is(text: str) -> None:
    """Print a text byte by byte as it has to arrive, whatever the encoding of the output."""
    sys.stdout.flush()
    write: Callable[[bytes], object] = sys.stdout.buffer.write
    write(text.encode())
    sys.stdout.buffer.flush()
