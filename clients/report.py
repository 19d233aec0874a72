"""What was seen, for people and for machines: a table of counts, a table for each situation, and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from clients import cells
from clients.measure import Observed, Sighting
from clients.situations import TOOL, Situation

_OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Observations:
    """A whole run: the day (UTC), the gateway's version, Node's if there is one, and what each client saw."""

    day: str
    gateway: str
    node: str | None
    clients: tuple[Observed, ...]


_OF_OBSERVATIONS: Final = TypeAdapter(Observations)


def as_json(run: Observations) -> str:
    """All that is known, uncut."""
    return _OF_OBSERVATIONS.dump_json(run, indent=2).decode() + "\n"


def from_json(text: str) -> Observations:
    """A run that was kept. Raises pydantic's ValidationError."""
    return _OF_OBSERVATIONS.validate_json(text)


def markdown(run: Observations, situations: Sequence[Situation]) -> str:
    """The tables for the document."""
    parts = [caption(run), *_problems(run), _versions(run), _counts(run, situations)]
    parts += [f"### {situation.title}\n\n{table}" for situation in situations if (table := _seen(run, situation))]
    parts.append(f"### Texts that clients write under their user's name\n\n{_written(run)}")
    return "\n\n".join(parts)


def caption(run: Observations) -> str:
    """When this was seen, and at what."""
    node = f", Node.js {run.node}" if run.node else ""
    return f"Seen {run.day} at AIMux {run.gateway}{node}."


def _problems(run: Observations) -> Iterator[str]:
    for client in run.clients:
        if client.problem is not None:
            yield f"**{client.name}**: {cells.code(client.problem)}"


def _versions(run: Observations) -> str:
    rows = [
        [client.name, ", ".join(f"{name} {version}" for name, version in client.versions.items()) or cells.NOT_THERE]
        for client in run.clients
    ]
    return _table(["client", "packages"], rows)


def _counts(run: Observations, situations: Sequence[Situation]) -> str:
    """Requests for each situation and client, and whether the user got what was asked for."""
    rows = [[each.title, *(_count(client.seen.get(each.title), each) for client in run.clients)] for each in situations]
    return _table(["requests", *(client.name for client in run.clients)], rows)


def _count(sighting: Sighting | None, situation: Situation) -> str:
    if sighting is None:
        return cells.NOT_THERE
    past = f" + {sighting.past}" if sighting.past else ""
    return f"{sighting.requests}{past}{f' {_OK}' if cells.good(sighting, situation) else ''}"


def _seen(run: Observations, situation: Situation) -> str | None:
    """What the clients' users saw of a situation, those together that saw the same; None where none got into it."""
    alike: dict[tuple[str, str], list[tuple[str, Sighting]]] = {}
    for client in run.clients:
        if sighting := client.seen.get(situation.title):
            key = (cells.requests(sighting), cells.seen(sighting, situation))
            alike.setdefault(key, []).append((client.name, sighting))
    if not alike:
        return None
    rows = [
        [", ".join(name for name, _ in group), count, cells.seconds([each for _, each in group]), saw]
        for (count, saw), group in alike.items()
    ]
    return _table(["client", "requests", "seconds", "what its user sees"], rows)


def _written(run: Observations) -> str:
    """The texts under the user's name that clients have written."""
    rows = [[client.name, cells.code(text)] for client in run.clients for text in texts_written(client)]
    if not rows:
        return "No client wrote any."
    return _table(["client", "text"], rows)


def texts_written(client: Observed) -> list[str]:
    """The texts under its user's name that a client has written in a run with a tool."""
    sighting = client.seen.get(TOOL.title)
    return list(sighting.written) if sighting else []


def differences(run: Observations, before: Observations, situations: Sequence[Situation]) -> str:
    """What the same clients see otherwise in another run, at the same gateway but in other versions."""
    known = {client.name: client for client in before.clients}
    rows = []
    for client in run.clients:
        then = known.get(client.name, Observed(client.name))
        for each in situations:
            now, was = _whole(client.seen.get(each.title), each), _whole(then.seen.get(each.title), each)
            if now != was:
                rows.append([client.name, each.title, was, now])
        if (texts := _joined(client)) != (others := _joined(then)):
            rows.append([client.name, "Texts that the client writes", others, texts])
    told = _table(["client", "situation", f"seen {before.day}", "with these"], rows) if rows else "All saw the same."
    return "\n\n".join([caption(run), *_problems(run), _versions(run), told])


def _joined(client: Observed) -> str:
    return "<br>".join(map(cells.code, texts_written(client))) or cells.NOT_THERE


def _whole(sighting: Sighting | None, situation: Situation) -> str:
    if sighting is None:
        return cells.NOT_THERE
    return f"{cells.requests(sighting)}: {cells.seen(sighting, situation)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
