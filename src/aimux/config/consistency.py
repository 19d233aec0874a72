"""Checks that look at more than one value: unique names, known agents, something to route to.

They read the tree as it was written and skip what has another shape, so that they find their problems also where the
schema finds others.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aimux.config.consistent_operators import check_operators
from aimux.config.fields import NAME
from aimux.config.report import Path, Report
from aimux.config.words import Suggestions, is_literal, shown
from aimux.config.yaml_tree import Broken, Mapping, Node, Scalar, Sequence
from aimux.core.paths import PathPattern, parse_pattern
from aimux.core.policy import FALLBACK_NAME

ANY_AGENT: Final = "*"
_DESTINATIONS: Final = ("routes", "fallback")


@dataclass(frozen=True, slots=True)
class _Item:
    """A text in a list, and where it stands."""

    path: Path
    node: Scalar
    text: str


def check_consistency(root: Mapping, report: Report) -> None:
    """Report what does not fit together."""
    _check_destinations(root, report)
    routes = list(_routes(root))
    agents = list(_texts(root.entries.get("agents"), ("agents",)))
    _check_unique(agents, report, "agent")
    names = [item for path, route in routes for item in _text(route.entries.get("name"), (*path, "name"))]
    _check_unique(names, report, "route")
    _check_reserved(names, report)
    guards = list(_guards(root))
    guard_names = [item for path, guard in guards for item in _text(guard.entries.get("name"), (*path, "name"))]
    _check_unique(guard_names, report, "guard")
    for path, route in (*routes, *guards):
        _check_unique(list(_texts(route.entries.get("intents"), (*path, "intents"))), report, "intent")
    _check_paths(routes, report)
    _check_identity(root, report)
    check_operators(root, report)
    _check_access(root, routes, agents, report)
    _check_exceptions(root, guards, agents, report)


def _check_destinations(root: Mapping, report: Report) -> None:
    routes, fallback = root.entries.get("routes"), root.entries.get("fallback")
    no_routes = _is_absent(routes) or (isinstance(routes, Sequence) and not routes.items)
    if no_routes and _is_absent(fallback) and not report.is_incomplete(()) and not _is_misspelt(root):
        line = None if _is_absent(routes) else root.key_lines.get("routes")
        remedy = "write at least one route under routes:, or a fallback:"
        report.add((), line, "there is neither a route nor a fallback", remedy)


def _is_misspelt(root: Mapping) -> bool:
    """Whether a key that is reported as unknown was meant for one of the two."""
    suggestions = Suggestions()
    return any(suggestions.near(key, _DESTINATIONS) for key in root.entries if key not in _DESTINATIONS)


def _check_unique(items: list[_Item], report: Report, what: str, *, fold: bool = False) -> list[_Item]:
    """Report what stands twice; the items without it."""
    first: dict[str, _Item] = {}
    for item in items:
        key = item.text.strip().lower().replace("_", "-") if fold else item.text.strip()
        earlier = first.setdefault(key, item)
        if earlier is not item and not report.is_spoiled(item.path):
            same = "" if earlier.text == item.text else f" as {shown(earlier.node, earlier.path)}"
            report.add(
                item.path,
                item.node.line,
                f"the {what} {shown(item.node, item.path)} stands on line {earlier.node.line} already{same}",
                "remove or rename one of the two",
            )
    return list(first.values())


def _check_reserved(names: list[_Item], report: Report) -> None:
    for item in names:
        if item.text == FALLBACK_NAME:
            report.add(
                item.path,
                item.node.line,
                f'the name "{FALLBACK_NAME}" is kept for the section of that name',
                "choose another name for this route",
            )


def _check_paths(routes: list[tuple[Path, Mapping]], report: Report) -> None:
    """Report a path of one route that another one could claim too."""
    claimed: list[tuple[int, _Item, PathPattern]] = []
    for number, (path, route) in enumerate(routes):
        for item in _check_unique(list(_texts(route.entries.get("paths"), (*path, "paths"))), report, "path"):
            with suppress(ValueError):  # reported where its form is checked
                pattern = parse_pattern(item.text)
                rival = next((each for at, each, other in claimed if at != number and other.overlaps(pattern)), None)
                claimed.append((number, item, pattern))
                if rival is not None:
                    report.add(
                        item.path,
                        item.node.line,
                        f"{shown(item.node, item.path)} and {shown(rival.node, rival.path)} on line {rival.node.line} "
                        "could claim the same request for two routes",
                        "write paths that tell the routes apart",
                    )


def _check_identity(root: Mapping, report: Report) -> None:
    identity = root.entries.get("identity")
    if isinstance(identity, Mapping):
        parameters = _texts(identity.entries.get("query_params"), ("identity", "query_params"))
        _check_unique(list(parameters), report, "query parameter")
        headers = _texts(identity.entries.get("headers"), ("identity", "headers"))
        _check_unique(list(headers), report, "header", fold=True)


def _check_access(root: Mapping, routes: list[tuple[Path, Mapping]], agents: list[_Item], report: Report) -> None:
    known = _known_agents(root.entries.get("agents"), agents)
    fallback = root.entries.get("fallback")
    holders = [*routes, (("fallback",), fallback)] if isinstance(fallback, Mapping) else routes
    suggestions = Suggestions()
    suggestable = _suggestable(agents)
    for path, holder in holders:
        allowed = _check_unique(list(_texts(holder.entries.get("allowed"), (*path, "allowed"))), report, "entry")
        _check_any(allowed, report)
        for item in allowed:
            if known is not None and item.text != ANY_AGENT and item.text not in known:
                _report_unknown(item, suggestable, suggestions, report)


def _check_exceptions(root: Mapping, guards: list[tuple[Path, Mapping]], agents: list[_Item], report: Report) -> None:
    known = _known_agents(root.entries.get("agents"), agents)
    suggestions = Suggestions()
    suggestable = _suggestable(agents)
    for path, guard in guards:
        for item in _check_unique(list(_texts(guard.entries.get("except"), (*path, "except"))), report, "entry"):
            if known is not None and item.text not in known:
                _report_unknown(item, suggestable, suggestions, report)


def _suggestable(agents: list[_Item]) -> list[str]:
    return [agent.text for agent in agents if agent.node.template is None and NAME.fullmatch(agent.text)]


def _check_any(allowed: list[_Item], report: Report) -> None:
    stars = [item for item in allowed if item.text == ANY_AGENT]
    if stars and len(stars) < len(allowed):
        report.add(
            stars[0].path,
            stars[0].node.line,
            '"*" stands beside names',
            'write ["*"] alone for any registered agent, or the names alone',
        )


def _report_unknown(item: _Item, agents: list[str], suggestions: Suggestions, report: Report) -> None:
    near = suggestions.near(item.text, agents) if is_literal(item.node, item.path) else None
    remedy = f"did you mean {near}?" if near else "add it under agents:, or remove it here"
    report.add(item.path, item.node.line, f"{shown(item.node, item.path)} is not a registered agent", remedy)


def _known_agents(node: Node | None, agents: list[_Item]) -> frozenset[str] | None:
    """The registered names, also badly written ones; None where some cannot be read, so that nothing follows."""
    if _is_absent(node):
        return frozenset()
    if not isinstance(node, Sequence):
        return None
    texts = [item.text for item in node.items if isinstance(item, Scalar | Broken)]
    if None in texts or len(texts) < len(node.items):
        return None
    return frozenset([item.text for item in agents] + [text for text in texts if text is not None])


def _routes(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    yield from _mappings(root.entries.get("routes"), ("routes",))


def _guards(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    engine = root.entries.get("semantic_engine")
    if isinstance(engine, Mapping):
        yield from _mappings(engine.entries.get("guards"), ("semantic_engine", "guards"))


def _mappings(node: Node | None, path: Path) -> Iterator[tuple[Path, Mapping]]:
    if isinstance(node, Sequence):
        for at, item in enumerate(node.items):
            if isinstance(item, Mapping):
                yield (*path, at), item


def _texts(node: Node | None, path: Path) -> Iterator[_Item]:
    if isinstance(node, Sequence):
        for at, item in enumerate(node.items):
            yield from _text(item, (*path, at))


def _text(node: Node | None, path: Path) -> Iterator[_Item]:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield _Item(path, node, node.value)


def _is_absent(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)
