"""What is wrong with the routes, found before traffic shows it: each check looks at what became of the intents' trials.

The thresholds were measured on configurations of 8 routes with 8 intents each, drawn from the CLINC150 data.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from aimux.core.access import callers
from aimux.core.policy import Policy, Route
from aimux.intent.counted import counted
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.everyday import EVERYDAY, is_drawn
from aimux.intent.findings import FEW_INTENTS, Code, Finding, Severity, Shown, below, quoted
from aimux.intent.index import IntentIndex
from aimux.intent.lint_guards import GuardLint
from aimux.intent.trials import Intent, Outcome, Trial, Trials
from aimux.intent.usable import partly_unknown

DUPLICATE: Final = 0.8
"""Intents so alike say the same: of 2560 intents, one pair in different routes was this similar."""

MOST_VARIED: Final = 10
"""Intents of a route that are tried in other words: where none of these is its own, more would not be either."""

_DIGITS: Final = 12
_VARIANTS: Final = ("please {}", "could you tell me: {}", "I would like to {}")
_ORDER: Final = tuple(Severity)


def lint(
    policy: Policy,
    index: IntentIndex,
    encoder: Encoder,
    shown: Shown | None = None,
    measured_with: str | None = None,
) -> list[Finding]:
    """Everything that was found, the worst first.

    `shown` has the intents as messages may show them; `measured_with` is the digest of the model that the thresholds
    were measured with, where that is known.
    """
    shown = shown or Shown.of(policy)
    everyday = encoder.encode(EVERYDAY)
    every = list(of_thresholds(measured_with, encoder.digest))
    if index.routes:  # what has guards alone has none
        every += _Lint(policy, Trials(policy, index), encoder, shown.routes).all(everyday)
    if policy.guards:
        every += GuardLint(policy, index, encoder, shown).all(everyday)
    every += partly_unknown(policy, encoder, shown)
    every += counted(policy)
    return sorted(every, key=lambda finding: _ORDER.index(finding.severity))


def of_thresholds(measured_with: str | None, model: str) -> Iterator[Finding]:
    """Whether thresholds were measured with another model than this one, by the digests of the two."""
    if measured_with is None or measured_with == model:
        return
    what = (
        f"the thresholds (each min_score, and ambiguity_threshold) were measured with model {measured_with[:_DIGITS]}, "
        f"and this is model {model[:_DIGITS]}, whose scores are others"
    )
    remedy = "measure them with this one by `aimux tune`, or use that model: see semantic_engine.model_path"
    yield Finding(Severity.WARNING, Code.OTHER_MODEL, (), (), None, what, remedy, None)


class _Lint:
    """The checks of one policy. What one has said of two intents is not said again by another."""

    def __init__(self, policy: Policy, trials: Trials, encoder: Encoder, shown: Sequence[Sequence[str]]) -> None:
        self._policy = policy
        self._routes = policy.routes
        self._trials = trials
        self._encoder = encoder
        self._shown = shown
        self._told: set[Intent] = set()

    def all(self, everyday: Vectors) -> Iterator[Finding]:
        """Every finding that needs the model. `everyday`: the vectors of the everyday texts."""
        trials = self._trials.run()
        yield from self._overlaps(trials)
        yield from self._duplicates(trials)
        yield from self._nearer(trials)
        yield from self._ambiguous(trials)
        yield from self._beyond(trials)
        yield from self._everyday(everyday)

    def _overlaps(self, trials: Sequence[Trial]) -> Iterator[Finding]:
        """Intents that, sent as they stand, do not lead to their route."""
        for trial in trials:
            contenders = trial.outcome.whole.contenders if trial.outcome else ()
            rival = self._rival(trial.intent.route, contenders)
            if rival is None or trial.intent in self._told:
                continue
            ambiguous = len(contenders) > 1
            how = f"is ambiguous with route '{rival.name}'" if ambiguous else f"leads to route '{rival.name}'"
            yield self._between(Code.OVERLAP, trial.intent, rival, f"{how} as it stands")

    def _duplicates(self, trials: Sequence[Trial]) -> Iterator[Finding]:
        for trial in trials:
            if trial.other is None or trial.similarity < DUPLICATE or trial.intent in self._told:
                continue
            rival = self._routes[trial.other.route]
            yield self._between(Code.NEAR_DUPLICATE, trial.intent, rival, f"says the same as route '{rival.name}'")

    def _nearer(self, trials: Sequence[Trial]) -> Iterator[Finding]:
        for trial in trials:
            outcome = trial.outcome
            if outcome is None or outcome.left_out is None or trial.intent in self._told:
                continue
            rival = self._rival(trial.intent.route, outcome.left_out.contenders)
            if rival is not None and len(outcome.left_out.contenders) == 1:
                how = (
                    f"is nearer to route '{rival.name}' ({outcome.left_out.score:.2f}) than to the other intents "
                    f"of its own ({outcome.own:.2f})"
                )
                yield self._between(Code.NEARER_TO_ANOTHER, trial.intent, rival, how)

    def _ambiguous(self, trials: Sequence[Trial]) -> Iterator[Finding]:
        """The pairs of routes between which texts like their intents would be ambiguous."""
        pairs: dict[frozenset[str], list[tuple[float, Trial, Route]]] = {}
        for trial in trials:
            found = trial.outcome.left_out if trial.outcome else None
            if found is None or len(found.contenders) < 2 or trial.intent in self._told:
                continue
            rival = self._rival(trial.intent.route, found.contenders)
            if rival is not None:
                pair = frozenset((self._routes[trial.intent.route].name, rival.name))
                pairs.setdefault(pair, []).append((found.lead.margin or 0.0, trial, rival))
        for found_here in sorted(pairs.values(), key=len, reverse=True):
            margin, trial, rival = min(found_here, key=lambda each: each[0])
            more = f", and {len(found_here) - 1} more of these two routes" if len(found_here) > 1 else ""
            how = f"in other words would be ambiguous with route '{rival.name}' (a lead of {margin:.2f}{more})"
            yield self._between(Code.LIKELY_AMBIGUOUS, trial.intent, rival, how)

    def _beyond(self, trials: Sequence[Trial]) -> Iterator[Finding]:
        """Routes that texts cannot reach, and those whose intents are so far apart that texts may often miss them."""
        of_route: dict[int, list[Outcome]] = {}
        for trial in trials:
            if trial.outcome is not None:
                of_route.setdefault(trial.intent.route, []).append(trial.outcome)
        for number, own in of_route.items():
            route = self._routes[number]
            highest = max((outcome.own for outcome in own if outcome.own is not None), default=None)
            if not any(outcome.whole.contenders == (route,) for outcome in own) and not self._wins_in_other_words(
                route
            ):
                yield self._of_route(
                    Code.CANNOT_WIN,
                    number,
                    f"no text leads to route '{route.name}': none of its intents does, as it stands or in other words",
                    f"give it intents of its own, or a lower min_score (it is {route.min_score:.2f})",
                )
            elif len(own) > FEW_INTENTS and highest is not None and highest < route.min_score:
                yield self._of_route(
                    Code.OUT_OF_REACH,
                    number,
                    f"no intent of route '{route.name}' would reach its min_score ({route.min_score:g}) by the others, "
                    f"{below(highest, route.min_score)} at most: texts in other words may miss it",
                    "try some by `aimux eval`; where they do, lower it, add intents between those that the route has, "
                    "or make it several routes",
                )

    def _wins_in_other_words(self, route: Route) -> bool:
        texts = [form.format(intent) for intent in route.intents[:MOST_VARIED] for form in _VARIANTS]
        windows = [self._encoder.windows(self._encoder.tokenize(text))[0] for text in texts]
        return any(self._trials.judge(row).contenders == (route,) for row in self._encoder.embed(windows))

    def _everyday(self, vectors: Vectors) -> Iterator[Finding]:
        """Routes whose intents draw greetings and other texts that mean none."""
        drawn: dict[str, list[tuple[float, str, int]]] = {}
        for number, text in enumerate(EVERYDAY):
            found = self._trials.judge(vectors[number])
            if found.contenders:
                drawn.setdefault(found.best.name, []).append((found.score, text, number))
        for place, route in enumerate(self._routes):
            texts = drawn.get(route.name, [])
            if not is_drawn([score for score, _, _ in texts], route.min_score):
                continue
            score, text, number = max(texts)
            intent, similarity = self._trials.nearest(place, vectors[number])
            more = f" and {len(texts) - 1} of {len(EVERYDAY) - 1} more everyday texts" if len(texts) > 1 else ""
            yield Finding(
                Severity.WARNING,
                Code.EVERYDAY,
                (route.name,),
                (self._text(intent), text),
                similarity,
                f"intent {quoted(self._text(intent))} of route '{route.name}' draws {quoted(text)}{more} "
                f"(score {score:.2f}, similarity {similarity:.2f})",
                "say in its intents what they are about or raise its min_score, unless it is there for such texts",
                place,
                intent.number,
            )

    def _rival(self, own: int, contenders: Sequence[Route]) -> Route | None:
        """The first route that a text could mean besides its own."""
        return next((route for route in contenders if route is not self._routes[own]), None)

    def _between(self, code: Code, intent: Intent, rival: Route, how: str) -> Finding:
        own = self._routes[intent.route]
        other, similarity = self._trials.nearest_in(intent, self._routes.index(rival))
        self._told.add(intent)
        crossing = callers(own, self._policy) != callers(rival, self._policy)
        same = code in {Code.OVERLAP, Code.NEAR_DUPLICATE}
        if same:
            self._told.add(other)  # it would say so of this one
        access = ", and not the same callers may use the two" if crossing else ""
        return Finding(
            Severity.ERROR if crossing and same else Severity.WARNING,
            code,
            (own.name, rival.name),
            (self._text(intent), self._text(other)),
            similarity,
            f"intent {quoted(self._text(intent))} of route '{own.name}' {how}{access}: "
            f"there, {quoted(self._text(other))} has similarity {similarity:.2f}",
            _REMEDIES[code],
            intent.route,
            intent.number,
        )

    def _of_route(self, code: Code, number: int, message: str, remedy: str) -> Finding:
        return Finding(Severity.WARNING, code, (self._routes[number].name,), (), None, message, remedy, number)

    def _text(self, intent: Intent) -> str:
        return self._shown[intent.route][intent.number]


_REMEDIES: Final = {
    Code.OVERLAP: "reword one of the two, remove it, or make the two routes one",
    Code.NEAR_DUPLICATE: "keep it in one of the two routes, or say in both what sets them apart",
    Code.NEARER_TO_ANOTHER: "move it there, reword it, or add intents like it to its own route",
    Code.LIKELY_AMBIGUOUS: "reword them apart, or add intents to both that say what each is for",
}
