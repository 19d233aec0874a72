"""What routing is measured on: configurations and labelled texts, drawn from published sets in a folder of data."""

import csv
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, TypeVar

from aimux.intent.quality import Kind
from bench import BenchError

_CLINC: Final = "clinc150.json"
_DOMAINS: Final = "clinc150_domains.json"
_HEALTHCARE: Final = "healthcare_routing.csv"
FILES: Final = (_CLINC, _DOMAINS, _HEALTHCARE)
_CLASSES_OF_A_DOMAIN: Final = 5
_HELD_OUT_DOMAINS: Final = 2
_UNEQUAL: Final = (3, 10, 50)
_HEALTHCARE_INTENTS: Final = 5

Row = tuple[str, str | None, Kind | None]
"""A text, the route that it should reach (None: out of scope), and how far out of scope it is."""
Texts = Mapping[str, Sequence[str]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Draw:
    """One configuration, as the intents of each route, and the rows that it is tried on."""

    case: str
    routes: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: draws of each case, and at most so many rows of each in scope, near and far."""

    draws: int
    inside: int
    near: int
    far: int


@dataclass(frozen=True, slots=True)
class Data:
    """The published sets: texts by class, to take intents from and to try; classes by domain; texts of no class."""

    train: Texts
    test: Texts
    domains: Mapping[str, Sequence[str]]
    far: Sequence[str]
    healthcare: Sequence[Mapping[str, str]]


def missing(folder: Path) -> list[str]:
    """The files that the folder lacks."""
    return [name for name in FILES if not (folder / name).is_file()]


def read(folder: Path) -> Data:
    """The sets of a folder. Raises BenchError where a file is of another shape."""
    try:
        clinc = json.loads((folder / _CLINC).read_text())
        with (folder / _HEALTHCARE).open(newline="") as lines:
            healthcare = list(csv.DictReader(lines))
        return Data(
            train=_by_class(clinc["train"]),
            test=_by_class(clinc["test"]),
            domains=json.loads((folder / _DOMAINS).read_text()),
            far=[text for text, _ in clinc["oos_test"]],
            healthcare=healthcare,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"the data in {folder} is not of the expected shape: {error!r}") from error


def _by_class(rows: Iterable[tuple[str, str]]) -> Texts:
    found: dict[str, list[str]] = {}
    for text, name in rows:
        found.setdefault(name, []).append(text)
    return found


def draws(data: Data, amount: Amount) -> list[Draw]:
    """Every case, drawn as often as wanted, each time by a seed of its own."""
    return [
        _drawn(case, build, data, amount, random.Random(f"{case}/{number}"))  # noqa: S311  (to be had again)  # nosec B311
        for case, build in _CASES.items()
        for number in range(amount.draws)
    ]


@dataclass(frozen=True, slots=True)
class _Picked:
    """A configuration and every text that could be tried on it."""

    routes: Mapping[str, Sequence[str]]
    inside: Sequence[tuple[str, str]]
    near: Sequence[str]


_Build = Callable[[Data, random.Random], _Picked]


def _drawn(case: str, build: _Build, data: Data, amount: Amount, chance: random.Random) -> Draw:
    picked = build(data, chance)
    intents = {intent for intents in picked.routes.values() for intent in intents}
    rows: list[Row] = []
    rows += [(text, name, None) for text, name in _some(picked.inside, amount.inside, chance)]
    rows += [(text, None, Kind.NEAR) for text in _some(picked.near, amount.near, chance)]
    rows += [(text, None, Kind.FAR) for text in _some(data.far, amount.far, chance)]
    routes = {name: tuple(dict.fromkeys(intents)) for name, intents in picked.routes.items()}
    return Draw(case, routes, tuple(row for row in rows if row[0] not in intents))


def _some(items: Sequence[_T], most: int, chance: random.Random) -> list[_T]:
    return chance.sample(items, min(most, len(items)))


def _narrow(domains: int, classes: int, sizes: Sequence[int]) -> _Build:
    """A route a class, from some domains; near are the other classes of the same domains."""

    def build(data: Data, chance: random.Random) -> _Picked:
        chosen: list[str] = []
        others: list[str] = []
        for domain in chance.sample(sorted(data.domains), domains):
            shuffled = chance.sample(data.domains[domain], len(data.domains[domain]))
            chosen += shuffled[:classes]
            others += shuffled[classes:]
        routes = {name: _some(data.train[name], size, chance) for name, size in zip(chosen, cycle(sizes), strict=False)}
        return _Picked(routes, _labelled(data, chosen), [text for name in others for text in data.test[name]])

    return build


def _broad(intents: int) -> _Build:
    """A route a domain, its intents of as many of its classes; near are the domains that have no route."""

    def build(data: Data, chance: random.Random) -> _Picked:
        shuffled = chance.sample(sorted(data.domains), len(data.domains))
        others, chosen = shuffled[:_HELD_OUT_DOMAINS], shuffled[_HELD_OUT_DOMAINS:]
        routes = {
            domain: [chance.choice(data.train[name]) for name in chance.sample(data.domains[domain], intents)]
            for domain in chosen
        }
        inside = [(text, domain) for domain in chosen for text, _ in _labelled(data, data.domains[domain])]
        return _Picked(routes, inside, [text for domain in others for text, _ in _labelled(data, data.domains[domain])])

    return build


def _healthcare(data: Data, chance: random.Random) -> _Picked:
    """Its own routes; near are the questions that it names as nobody's. Texts that it gives no one route are left."""
    of: dict[str, list[str]] = {}
    inside = []
    for row in data.healthcare:
        text, name = row["utterance"], row["expected_route"]
        if row["split"] == "train" and name:
            of.setdefault(name, []).append(text)
        elif name:
            inside.append((text, name))
    near = [row["utterance"] for row in data.healthcare if row["example_type"] == "negative"]
    return _Picked({name: _some(texts, _HEALTHCARE_INTENTS, chance) for name, texts in of.items()}, inside, near)


def _labelled(data: Data, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, name) for name in names for text in data.test[name]]


_CASES: Final[Mapping[str, _Build]] = {
    **{f"10 narrow routes, {size} intents": _narrow(2, _CLASSES_OF_A_DOMAIN, [size]) for size in _UNEQUAL},
    **{f"50 narrow routes, {size} intents": _narrow(10, _CLASSES_OF_A_DOMAIN, [size]) for size in _UNEQUAL},
    "50 narrow routes, 3, 10 or 50 intents": _narrow(10, _CLASSES_OF_A_DOMAIN, _UNEQUAL),
    **{f"150 narrow routes, {size} intents": _narrow(10, 15, [size]) for size in _UNEQUAL},
    **{f"8 broad routes, {intents} intents": _broad(intents) for intents in (5, 15)},
    f"7 routes of a health plan, {_HEALTHCARE_INTENTS} intents": _healthcare,
}
