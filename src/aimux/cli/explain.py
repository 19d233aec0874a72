"""What `aimux route --explain` shows: what the model read, what was near, every gate, and what would change it."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aimux.config.load import Loaded
from aimux.config.problem import printable
from aimux.core.access import may_use
from aimux.core.identity import Principal
from aimux.core.scores import Stand
from aimux.core.steps import Passage
from aimux.gateway.explaining import Explanation
from aimux.gateway.stages import told
from aimux.intent.explain import Near, Piece
from aimux.intent.explain import Text as ReadText

_LONGEST: Final = 150
_COLOURS: Final = {
    Passage.PASSED: "green",
    Passage.REFUSED: "red",
    Passage.NOT_MET: "yellow",
    Passage.NOT_REACHED: "dim",
}
Rows = Iterator[tuple[Text | str, ...]]


def show(found: Explanation, loaded: Loaded) -> None:
    """Print every section that has something to say, behind what the decision was."""
    console = Console(highlight=False)
    for title, rows in (
        ("what the model read", _read(found)),
        ("nearest", _nearest(found, loaded)),
        ("guards", _guards(found, loaded)),
        ("parts that stand for a route by themselves", _parts(found)),
        (f"gates; {found.decided.by} decided", _gates(found)),
        ("what would change it", _ways(found)),
    ):
        _section(console, title, list(rows))


def as_dict(found: Explanation, loaded: Loaded) -> dict[str, object]:
    """The same for machines, whole: beside what `aimux route --json` gives."""
    names = [route.name for route in found.decided.policy.routes]
    counted = found.decided.counted
    return {
        "decided_by": found.decided.by,
        "gates": [{"gate": stage.gate, "passage": stage.passage, "why": stage.why} for stage in found.stages],
        "read": None if found.text is None else _read_as_dict(found.text),
        "nearest": [
            {
                "route": names[near.place],
                "score": round(near.score, 4),
                "min_score": found.decided.policy.routes[near.place].min_score,
                "window": _piece(near.piece),
                "intents": [
                    {"intent": _intent(loaded, near.place, number), "cosine": round(cosine, 4)}
                    for number, cosine in near.intents
                ],
                "direction_cosine": round(near.along, 4),
                "terms": {
                    "nearest": round(near.terms.nearest, 4),
                    "direction": round(near.terms.direction, 4),
                    "handicap": round(near.terms.handicap, 4),
                    "own_words": round(near.terms.own_words, 4),
                },
            }
            for near in found.near
        ],
        "guards": list(_guards_as_dicts(found, loaded)),
        "parts": [
            {
                "text": stand.words,
                "start": None if stand.span is None else stand.span[0],
                "end": None if stand.span is None else stand.span[1],
                "route": names[stand.place],
                "score": round(stand.score, 4),
                "could_as_well_mean": sorted(names[place] for place in stand.close),
                "whole": stand.whole,
                "brief": stand.brief,
                "counts": stand in counted,
            }
            for stand in _sorted(found)
        ],
        "changes": [
            {
                "says": way.says,
                "verdict": way.verdict,
                "status": way.status,
                "route": way.route,
                "changes": [
                    {"what": change.what, "of": change.of or None, "value": change.value, "bound": change.bound}
                    for change in way.changes
                ],
            }
            for way in found.ways
        ],
    }


def _section(console: Console, title: str, rows: list[tuple[Text | str, ...]]) -> None:
    if not rows:
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for number in range(max(map(len, rows))):
        last = number == len(rows[0]) - 1
        table.add_column(overflow="fold", no_wrap=not last)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in ("", *row)[1:]))
    console.print()
    console.print(Text(title, "bold"))
    console.print(Padding(table, (0, 0, 0, 2)))


def _read_as_dict(read: ReadText) -> dict[str, object]:
    return {
        "text": read.seen,
        "meant": read.meant,
        "windows": read.plan.first,
        "parts": len(read.parts),
        "unread": read.is_unread,
    }


def _read(found: Explanation) -> Rows:
    if found.text is not None and found.text.is_unread:
        yield (f"hardly a word that it knows: {_shown(found.text.seen)}",)
    if found.text is None or not found.near:
        return
    best = found.near[0]
    if found.text.seen != found.judgement.text:
        yield (f"it looks like {_shown(found.text.seen)}",)
    for meant in found.text.meant:
        yield (f"it is read as {_shown(meant)} too",)
    yield (f"{_tokens(best.piece)}: {_shown(best.piece.words)}",)
    if best.piece.windows > 1:
        yield (f"'{_name(found, best)}' has its score by this window",)


def _tokens(piece: Piece) -> str:
    if piece.windows == 1:
        return f"{piece.tokens} token{'' if piece.tokens == 1 else 's'}"
    return f"window {piece.window} of {piece.windows}, tokens {piece.start + 1}-{piece.stop} of {piece.tokens}"


def _nearest(found: Explanation, loaded: Loaded) -> Rows:
    for near in found.near:
        other = near.piece.window != found.near[0].piece.window
        yield (
            _name(found, near),
            f"{near.score:.3f}",
            f"{_sum(near)}{f', window {near.piece.window}' if other else ''}",
        )
        for number, cosine in near.intents:
            yield ("", f"{cosine:.3f}", _shown(_intent(loaded, near.place, number)))


def _sum(near: Near) -> str:
    """How the score is put together, in words."""
    terms = near.terms
    if terms.is_own_words:
        return f"an intent's own words, or nearly: 1 - 10 × (1 - {near.intents[0][1]:.3f})"
    many = "many" if terms.handicap > 0 else "few"
    return (
        f"= {terms.nearest:.3f} nearest {_signed(terms.direction)} direction {_signed(-terms.handicap)} {many} intents"
    )


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {abs(value):.3f}"


def _guards(found: Explanation, loaded: Loaded) -> Rows:
    for near, each in zip(found.guarded, _guards_as_dicts(found, loaded), strict=True):
        least, excepted = each["min_score"], ", but not this agent" if each["excepted"] else ""
        yield (str(each["guard"]), told(near.score, least), f"refuses from {least:g}{excepted}")
        yield ("", "", f"{_shown(each['text'], 60)} is nearest to {_shown(each['intent'], 60)}")


def _guards_as_dicts(found: Explanation, loaded: Loaded) -> Iterator[dict[str, Any]]:
    shown: Any = loaded.display["semantic_engine"]
    principal = found.decided.principal
    for place, (guard, near) in enumerate(zip(found.decided.policy.guards, found.guarded, strict=False)):
        yield {
            "guard": guard.name,
            "score": round(near.score, 4),
            "min_score": guard.min_score,
            "excepted": isinstance(principal, Principal) and guard.excepts(principal),
            "intent": shown["guards"][place]["intents"][near.intent],
            "text": near.piece.words,
            "is_part": near.piece.part is not None,
        }


def _parts(found: Explanation) -> Rows:
    for stand in _sorted(found):
        yield (found.decided.policy.routes[stand.place].name, told(stand.score), _shown(stand.words, 60))
        yield ("", "", _bearing(found, stand))


def _bearing(found: Explanation, stand: Stand) -> str:
    """What a stand does to the decision, in words."""
    decided = found.decided
    principal, meant = decided.principal, decided.meant
    if stand in decided.counted:
        return "counts: the whole means " + (f"'{meant.name}'" if meant else "no route")
    if meant is not None and decided.policy.routes[stand.place] is meant:
        return "means the same as the whole"
    if meant is not None and decided.policy.routes.index(meant) in stand.close:
        return f"could as well mean '{meant.name}', as the whole does"
    if isinstance(principal, Principal) and may_use(principal, decided.policy.routes[stand.place]):
        if not stand.whole:
            return "does not count: some words that the text does not set apart, for a route that the caller may use"
        if stand.brief:
            return "does not count: hardly any words, for a route that the caller may use"
    return "is not looked at: the text is decided before"


def _sorted(found: Explanation) -> list[Stand]:
    """Those that count first, then by score."""
    counted = found.decided.counted
    return sorted(found.stands, key=lambda stand: (stand not in counted, -stand.score))


def _gates(found: Explanation) -> Rows:
    for stage in found.stages:
        yield (Text(stage.gate), Text(stage.passage, _COLOURS[stage.passage]), Text(printable(stage.why)))


def _ways(found: Explanation) -> Rows:
    for way in found.ways:
        yield ("-", printable(way.says))


def _name(found: Explanation, near: Near) -> str:
    return found.decided.policy.routes[near.place].name


def _piece(piece: Piece) -> dict[str, object]:
    return {
        "text": piece.words,
        "number": piece.window,
        "of": piece.windows,
        "tokens": [piece.start, piece.stop],
        "of_tokens": piece.tokens,
    }


def _intent(loaded: Loaded, place: int, number: int) -> str:
    """An intent as it may be shown: the configuration's own words, not what the environment gave for them."""
    routes: Any = loaded.display["routes"]
    return str(routes[place]["intents"][number])


def _shown(text: str, longest: int = _LONGEST) -> str:
    """A text quoted and on one line, without its middle where it is long; nothing of it can steer a terminal."""
    if len(text) > longest:
        text = f"{text[: longest * 2 // 3]} … {text[-longest // 3 :]}"
    escaped = printable(text.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{escaped}"'
