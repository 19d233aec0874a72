"""What `aimux tune` says: figures now and held out, thresholds now and proposed, and what these rows do not show."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from aimux.cli.labelled import Labelled
from aimux.config.load import Loaded
from aimux.core.policy import Policy
from aimux.gateway.tuning import Proposal, Tuned
from aimux.intent.folds import FOLDS, words
from aimux.intent.quality import FEW, Estimate, Outcome, Trial, rows_to_show, share
from aimux.intent.tuning import allowed_of

_NAME: Final = 34
_SHOWN: Final = 5


def _is_false(trial: Trial) -> bool:
    return trial.outcome is Outcome.FORWARDED and not trial.is_right


_FALSE: Final = "false forwards"
_FIGURES: Final[dict[str, Callable[[Trial], bool]]] = {
    _FALSE: _is_false,
    "  out of scope, forwarded": lambda trial: _is_false(trial) and trial.expected is None,
    "  in scope, to a wrong route": lambda trial: _is_false(trial) and trial.expected is not None,
    "decided right": lambda trial: trial.is_right,
    "  in scope, to their route": lambda trial: trial.is_right and trial.expected is not None,
    "  out of scope, to none": lambda trial: trial.is_right and trial.expected is None,
    "ambiguous (409)": lambda trial: trial.outcome is Outcome.AMBIGUOUS,
    "in scope, no match": lambda trial: trial.outcome is Outcome.NO_MATCH and trial.expected is not None,
    "refused unread": lambda trial: trial.outcome is Outcome.UNREAD,
}
_KEYS: Final = (
    *("false_forwards", "false_out_of_scope", "false_wrong_route", "right", "right_in_scope", "right_out_of_scope"),
    *("ambiguous", "no_match_in_scope", "unread"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """All that is told of one run. `model` is the digest of the model, `wanted` the wanted rate, 0-1."""

    labelled: Path
    loaded: Loaded
    policy: Policy
    rows: Sequence[Labelled]
    tuned: Tuned
    model: str
    wanted: float

    @property
    def held_out(self) -> Estimate:
        """The false forwards of rows that were not fitted."""
        return share(map(_is_false, self.tuned.held_out))

    @property
    def is_met(self) -> bool:
        """Whether these keep to the wanted rate."""
        return sum(map(_is_false, self.tuned.held_out)) <= allowed_of(len(self.rows), self.wanted)

    @property
    def is_shown(self) -> bool:
        """Whether these rows show it: with their interval they keep to the wanted rate."""
        return (self.held_out.high or 0.0) <= self.wanted

    @property
    def own(self) -> Counter[str]:
        """How many rows each route has."""
        return Counter(row.expected for row in self.rows if row.expected is not None)

    @property
    def kept(self) -> list[str]:
        """The routes with intents that no row is for."""
        own = self.own
        return [route.name for route in self.policy.routes if route.intents and route.name not in own]

    @property
    def lowered(self) -> list[str]:
        """The routes for which a lower min_score is proposed than they have."""
        least = {} if self.tuned.proposal is None else self.tuned.proposal.least
        return [route.name for route in self.policy.routes if least.get(route.name, 1.0) < route.min_score]

    @property
    def is_lead_lowered(self) -> bool:
        """Whether a lower ambiguity_threshold is proposed than there is."""
        return self.tuned.proposal is not None and self.tuned.proposal.lead < self.policy.ambiguity_threshold


def lines(told: Told) -> Iterator[str]:
    """The report, without the patch."""
    proposal = told.tuned.proposal or Proposal({}, told.policy.ambiguity_threshold)
    inside = sum(told.own.values())
    percent = f"{told.wanted * 100:g} %"
    yield f"{told.labelled}: {len(told.rows)} rows, {inside} in scope, {len(told.rows) - inside} out of scope"
    yield f"wanted: at most {percent} false forwards, which are rows forwarded to a route that is not theirs"
    yield ""
    yield f"{'of all rows':<{_NAME}}{'now':>8}  {'95 % interval':<15}{'held out':>10}  {'95 % interval':<15}"
    for name, predicate in _FIGURES.items():
        now, held_out = (share(map(predicate, trials)) for trials in (told.tuned.now, told.tuned.held_out))
        if predicate is not _FIGURES["refused unread"] or now.value:
            yield f"{name:<{_NAME}}{_shown(now, 8)}{_shown(held_out, 10)}".rstrip()
    yield ""
    yield f"Held out: each row is judged by thresholds fitted without it, on {FOLDS - 1} of {FOLDS} parts of the rows."
    yield "So the figures judge how thresholds are found. Those that are proposed are fitted on all rows."
    yield ""
    yield f"{'min_score':<{_NAME}}{'now':>8}{'proposed':>10}{'rows':>8}"
    for route in told.policy.routes:
        if route.name in proposal.least:
            least = f"{route.min_score:>8.2f}{proposal.least[route.name]:>10.2f}"
            yield f"  {_cut(route.name):<{_NAME - 2}}{least}{told.own[route.name]:>8}"
    yield f"{'ambiguity_threshold':<{_NAME}}{told.policy.ambiguity_threshold:>8.2f}{proposal.lead:>10.2f}"
    yield ""
    yield from _remarks(told)
    yield ""


def _cut(name: str) -> str:
    return name if len(name) <= _NAME - 3 else f"{name[: _NAME - 4]}…"


def _shown(found: Estimate, width: int) -> str:
    value, low, high = (f"{(each or 0.0) * 100:.1f}" for each in (found.value, found.low, found.high))
    return f"{value + ' %':>{width}}  {f'{low} - {high} %':<15}"


def _remarks(told: Told) -> Iterator[str]:
    """Whether the wanted rate is met and shown, and which routes stay as they are."""
    found, percent = told.held_out, f"{told.wanted * 100:g} %"
    if told.is_shown:
        yield f"These rows show that the wanted {percent} are met: the interval of the false forwards ends below."
    elif told.is_met:
        more = rows_to_show(found.value or 0.0, told.wanted)
        needed = f": about {more} rows would, if as few of them were" if more is not None else ""
        yield f"These rows do not show that the wanted {percent} are met, for the interval ends above{needed}."
    else:
        yield f"The wanted {percent} are not met on rows that were not fitted."
    if kept := told.kept:
        yield f"No row is for {_some(kept)}: what has no rows keeps its min_score."
    yield from _loosened(told)


def _loosened(told: Told) -> Iterator[str]:
    """What a proposal lets through that is refused, or goes to the fallback, today."""
    if lowered := told.lowered:
        yield ""
        yield f"This lets more through than now: a lower min_score is proposed for {_some(lowered)}."
        yield "Texts go there that get 404 or go to the fallback now, also such as nobody has labelled."
    if told.is_lead_lowered:
        yield ""
        yield "This lets more through than now: a lower ambiguity_threshold is proposed. Texts that mean two routes"
        yield "go to the one that leads by less, and get no 409. No row means two, so no figure shows what that costs."


def notes(told: Told) -> Iterator[str]:
    """What else is to be known of these figures."""
    few = [name for name, rows in told.own.items() if rows < FEW]
    if few:
        yield f"{_some(sorted(few))}: fewer than {FEW} rows, so that other routes' rows have most say in min_score"
    same = len(told.rows) - len({words(row.text) for row in told.rows})
    if same:
        yield f"{same} rows have the words of other rows, and the intervals count each by itself: keep one of each"
    if told.tuned.unfitted:
        parts = f"{told.tuned.unfitted} of {FOLDS} parts"
        yield f"without {parts} of the rows no thresholds kept to the wanted rate: these are judged by those of now"


def shortfall(told: Told) -> str:
    """Why nothing is proposed."""
    kept = set(told.kept)
    there = sum(_is_false(trial) and trial.route in kept for trial in told.tuned.now)
    what = f"no thresholds keep false forwards to {told.wanted * 100:g} % of these rows"
    if there:
        routes = _some([name for name in told.kept if any(_leads_to(trial, name) for trial in told.tuned.now)])
        return (
            f"{what}: {there} rows go to routes that no row is for and that keep their min_score ({routes}): label some"
        )
    return f"{what}: label more, ask for a higher rate, or see with `aimux eval` which intents the false ones are like"


def _leads_to(trial: Trial, name: str) -> bool:
    return _is_false(trial) and trial.route == name


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SHOWN], *([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])])


def as_dict(told: Told) -> dict[str, object]:
    """The report for machines; shares are 0-1, of all rows."""
    proposal, own = told.tuned.proposal or Proposal({}, told.policy.ambiguity_threshold), told.own
    scores = {route.name: route.min_score for route in told.policy.routes if route.intents}
    return {
        "file": str(told.labelled),
        "configuration": told.policy.digest,
        "model": told.model,
        "rows": len(told.rows),
        "in_scope": sum(own.values()),
        "wanted": told.wanted,
        "is_met": told.is_met,
        "is_shown": told.is_shown,
        "rows_to_show": rows_to_show(told.held_out.value or 0.0, told.wanted),
        "now": _figures(told.tuned.now),
        "held_out": _figures(told.tuned.held_out),
        "unfitted_folds": told.tuned.unfitted,
        "min_score": {
            name: {"now": least, "proposed": proposal.least.get(name), "rows": own[name]}
            for name, least in scores.items()
        },
        "ambiguity_threshold": {"now": told.policy.ambiguity_threshold, "proposed": proposal.lead},
        "lets_more_through": {"min_score": told.lowered, "ambiguity_threshold": told.is_lead_lowered},
    }


def _figures(trials: Sequence[Trial]) -> dict[str, object]:
    named = zip(_KEYS, _FIGURES.values(), strict=True)
    return {key: asdict(share(map(predicate, trials))) for key, predicate in named}
