"""Checks that look at more than one value: unique names, paths that tell routes apart, something to route to.

They read the tree as it was written and skip what has another shape, so that they find their problems also where the
schema finds others.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from aimux.config.access import check_access
from aimux.config.consistent_operators import check_operators
from aimux.config.consistent_prefixes import check_prefixes
from aimux.config.items import Item, check_unique, is_absent, mappings_in, text_of, texts_in
from aimux.config.report import Path, Report
from aimux.config.words import Suggestions, shown
from aimux.config.yaml_tree import Mapping, Sequence
from aimux.core.paths import PathPattern, parse_pattern
from aimux.core.policy import FALLBACK_NAME

_DESTINATIONS: Final = ("routes", "fallback")


def check_consistency(root: Mapping, report: Report) -> None:
    """Report what does not fit together."""
    _check_destinations(root, report)
    routes = list(_routes(root))
    names = [item for path, route in routes for item in text_of(route.entries.get("name"), (*path, "name"))]
    check_unique(names, report, "route")
    _check_reserved(names, report)
    guards = list(_guards(root))
    guard_names = [item for path, guard in guards for item in text_of(guard.entries.get("name"), (*path, "name"))]
    check_unique(guard_names, report, "guard")
    for path, route in (*routes, *guards):
        check_unique(list(texts_in(route.entries.get("intents"), (*path, "intents"))), report, "intent")
    _check_paths(routes, report)
    check_prefixes(root, report)
    _check_identity(root, report)
    check_operators(root, report)
    check_access(root, routes, guards, report)


def _check_destinations(root: Mapping, report: Report) -> None:
    routes, fallback = root.entries.get("routes"), root.entries.get("fallback")
    no_routes = is_absent(routes) or (isinstance(routes, Sequence) and not routes.items)
    if no_routes and is_absent(fallback) and not report.is_incomplete(()) and not _is_misspelt(root):
        line = None if is_absent(routes) else root.key_lines.get("routes")
        remedy = "write at least one route under routes:, or a fallback:"
        report.add((), line, "there is neither a route nor a fallback", remedy)


def _is_misspelt(root: Mapping) -> bool:
    """Whether a key that is reported as unknown was meant for one of the two."""
    suggestions = Suggestions()
    return any(suggestions.near(key, _DESTINATIONS) for key in root.entries if key not in _DESTINATIONS)


def _check_reserved(names: list[Item], report: Report) -> None:
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
    claimed: list[tuple[int, Item, PathPattern]] = []
    for number, (path, route) in enumerate(routes):
        for item in check_unique(list(texts_in(route.entries.get("paths"), (*path, "paths"))), report, "path"):
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
        parameters = texts_in(identity.entries.get("query_params"), ("identity", "query_params"))
        check_unique(list(parameters), report, "query parameter")
        headers = texts_in(identity.entries.get("headers"), ("identity", "headers"))
        check_unique(list(headers), report, "header", fold=True)


def _routes(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    yield from mappings_in(root.entries.get("routes"), ("routes",))


def _guards(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    engine = root.entries.get("semantic_engine")
    if isinstance(engine, Mapping):
        yield from mappings_in(engine.entries.get("guards"), ("semantic_engine", "guards"))
