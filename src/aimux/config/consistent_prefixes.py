"""Checks of the routes' prefixes: each is one route's alone, none takes a path of the gateway, none hides a path."""

from collections.abc import Iterable

from aimux.config.items import Item, is_absent, mappings_in, text_of, texts_in
from aimux.config.report import Report
from aimux.config.words import shown
from aimux.config.yaml_tree import Mapping, Node, Sequence
from aimux.core.endpoints import MODELS, TakenPaths, taken_paths
from aimux.core.paths import parse_pattern
from aimux.core.prefixes import PrefixTable, check_prefix
from aimux.wire.prefixes import leads_to

_ANOTHER = "choose another prefix, such as /files for a route named files"


def check_prefixes(root: Mapping, report: Report) -> None:
    """Report prefixes that stand twice, that would take a path of the gateway's own, and paths that one hides."""
    routes = list(mappings_in(root.entries.get("routes"), ("routes",)))
    texts = (item for path, route in routes for item in text_of(route.entries.get("prefix"), (*path, "prefix")))
    prefixes = [item for item in texts if _is_prefix(item.text)]
    if not prefixes:
        return
    _check_unique(prefixes, report)
    taken = _taken(root)
    for found in prefixes:
        met = taken.meeting(found.text)
        if met is not None:
            message = f"{shown(found.node, found.path)} would take {met}, which the gateway answers itself on this port"
            report.add(found.path, found.node.line, message, _ANOTHER)
    paths = (item for path, route in routes for item in texts_in(route.entries.get("paths"), (*path, "paths")))
    _check_hidden(paths, prefixes, report)


def _check_unique(prefixes: list[Item], report: Report) -> None:
    first: dict[str, Item] = {}
    for found in prefixes:
        # Two that differ in case alone would be taken for one another by people, and by servers that fold paths.
        earlier = first.setdefault(found.text.lower(), found)
        if earlier is not found:
            same = "" if earlier.text == found.text else f" as {shown(earlier.node, earlier.path)}"
            message = f"the prefix {shown(found.node, found.path)} stands on line {earlier.node.line} already{same}"
            report.add(found.path, found.node.line, message, "give each route a prefix of its own")


def _check_hidden(paths: Iterable[Item], prefixes: list[Item], report: Report) -> None:
    """Report entries of `paths` that no request reaches, since a prefix addresses a route by them, or since they spell
    one in a way that is refused."""
    table = PrefixTable(tuple((each.text, each.text) for each in prefixes))
    lines = {each.text: each for each in prefixes}
    for found in paths:
        try:
            path = parse_pattern(found.text).path.encode("ascii")
        except ValueError:
            continue  # reported where its form is checked
        prefix = leads_to(path, table)
        if prefix is None:
            why = "a path that spells a prefix in another way is refused"
        elif prefix:
            above = lines[prefix]
            why = f"the prefix {shown(above.node, above.path)} on line {above.node.line} addresses a route by it"
        else:
            continue
        message = f"{shown(found.node, found.path)} claims nothing: {why}"
        report.add(found.path, found.node.line, message, "remove it, or choose another prefix")


def _taken(root: Mapping) -> TakenPaths:
    """The gateway's own paths on the agents' port: the list of models too, unless it is given up for the port's own."""
    own_listener = _is_given(_entry(root, "admin", "listen"))
    commands = _is_given(root.entries.get("operators")) or _is_given(_entry(root, "server", "admin_token"))
    taken = taken_paths(own_listener=own_listener, commands=commands)
    return taken if own_listener else TakenPaths(taken.exact, (*taken.trees, MODELS))


def _entry(root: Mapping, section: str, key: str) -> Node | None:
    found = root.entries.get(section)
    return found.entries.get(key) if isinstance(found, Mapping) else None


def _is_given(node: Node | None) -> bool:
    if isinstance(node, Sequence):
        return bool(node.items)
    return not is_absent(node)


def _is_prefix(text: str) -> bool:
    try:
        check_prefix(text)
    except ValueError:
        return False  # reported where its form is checked
    return True
