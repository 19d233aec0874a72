"""Who is who: agents, groups of them, and the lists that name either. A name never stands for a group, nor a group for
a name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aimux.config.fields import NAME
from aimux.config.items import Item, check_unique, is_absent, mappings_in, text_of, texts_in
from aimux.config.problem import quoted
from aimux.config.report import Path, Report
from aimux.config.words import Suggestions, is_literal, shown
from aimux.config.yaml_tree import Broken, Mapping, Node, Scalar, Sequence
from aimux.core.policy import GROUP_PREFIX

ANY_AGENT: Final = "*"
Holders = list[tuple[Path, Mapping]]


def check_access(root: Mapping, routes: Holders, guards: Holders, report: Report) -> None:
    """Report agents and groups that stand twice or for one another, and lists that name what there is not."""
    agents = list(_agents(root))
    check_unique(agents, report, "agent")
    groups = list(_groups(root))
    _check_apart(agents, groups, report)
    known = None if report.is_incomplete(("groups",)) else _known_groups(root)
    names = _Names(_known_agents(root.entries.get("agents")), known, report)
    names.suggest([agent.text for agent in agents if agent.node.template is None])
    names.suggest([group.text for group in groups if group.node.template is None], GROUP_PREFIX)
    for path, members in _members(root):
        for item in check_unique(list(texts_in(members, path)), report, "member"):
            names.check_member(item)
    for path, agent in _long_forms(root):
        check_unique(list(texts_in(agent.entries.get("groups"), (*path, "groups"))), report, "group")
    fallback = root.entries.get("fallback")
    for path, holder in [*routes, (("fallback",), fallback)] if isinstance(fallback, Mapping) else routes:
        allowed = check_unique(list(texts_in(holder.entries.get("allowed"), (*path, "allowed"))), report, "entry")
        _check_any(allowed, report)
        for item in allowed:
            if item.text != ANY_AGENT:
                names.check_entry(item)
    for path, guard in guards:
        for item in check_unique(list(texts_in(guard.entries.get("except"), (*path, "except"))), report, "entry"):
            names.check_entry(item)


@dataclass(slots=True)
class _Names:
    """The names of agents and of groups. None: some cannot be read, so that nothing is said of one that is missing."""

    agents: frozenset[str] | None
    groups: frozenset[str] | None
    report: Report
    suggestions: Suggestions = field(default_factory=Suggestions)
    near: dict[str, list[str]] = field(default_factory=dict)
    """Suggestions, by what stands before them."""

    def suggest(self, names: list[str], prefix: str = "") -> None:
        self.near[prefix] = [f"{prefix}{name}" for name in names if NAME.fullmatch(name)]

    def check_entry(self, item: Item) -> None:
        """Report an entry of a list of callers that is neither a registered agent nor an existing group."""
        if item.text.startswith(GROUP_PREFIX):
            self._check_group(item, item.text.removeprefix(GROUP_PREFIX))
        elif self.agents is not None and item.text not in self.agents:
            what, remedy = "is not a registered agent", "add it under agents:, or remove it here"
            if self.groups is not None and item.text in self.groups:
                what, remedy = "is a group and not an agent", self._literally(item, f"{GROUP_PREFIX}{item.text}")
            elif item.text == ANY_AGENT:
                what, remedy = "stands for any registered agent, which cannot be said here", "list agents or groups"
            self._add(item, what, remedy, [*self.near[""], *self.near[GROUP_PREFIX]])

    def check_member(self, item: Item) -> None:
        """Report a member of a group that is no registered agent."""
        if self.agents is None or item.text in self.agents:
            return
        what, remedy, near = "is not a registered agent", "add it under agents:, or remove it here", self.near[""]
        if item.text.startswith(GROUP_PREFIX) or (self.groups is not None and item.text in self.groups):
            what, remedy, near = "is a group, and groups hold agents alone", "list its agents here", []
        elif item.text == ANY_AGENT:
            what, remedy, near = (
                "stands for any registered agent",
                f'write allowed: ["{ANY_AGENT}"] without a group',
                [],
            )
        self._add(item, what, remedy, near)

    def _check_group(self, item: Item, name: str) -> None:
        if self.groups is None or name in self.groups:
            return
        what, remedy = "is no group", f"add {name}: with its agents under groups:, or remove it here"
        if not is_literal(item.node, item.path) or not NAME.fullmatch(name):
            remedy = "add it under groups:, or remove it here"
        near = self.near[GROUP_PREFIX]
        if self.agents is not None and name in self.agents:
            what, remedy, near = "is no group: an agent has this name", self._literally(item, name), []
        self._add(item, what, remedy, near)

    def _literally(self, item: Item, text: str) -> str:
        if is_literal(item.node, item.path):
            return f"write {quoted(text)}"
        return f"a group is named with {GROUP_PREFIX} before its name, an agent without"

    def _add(self, item: Item, what: str, remedy: str, near: list[str]) -> None:
        if self.report.is_spoiled(item.path):
            return
        if near and is_literal(item.node, item.path) and not remedy.startswith("write"):
            found = self.suggestions.near(item.text, near)
            remedy = f"did you mean {found}?" if found else remedy
        self.report.add(item.path, item.node.line, f"{shown(item.node, item.path)} {what}", remedy)


def _check_any(allowed: list[Item], report: Report) -> None:
    stars = [item for item in allowed if item.text == ANY_AGENT]
    if stars and len(stars) < len(allowed):
        report.add(
            stars[0].path,
            stars[0].node.line,
            '"*" stands beside names',
            'write ["*"] alone for any registered agent, or the names and groups alone',
        )


def _check_apart(agents: list[Item], groups: list[Item], report: Report) -> None:
    """Report a group that has the name of an agent: whoever reads a list could take one for the other."""
    first = {agent.text: agent for agent in reversed(agents)}
    told: set[str] = set()
    for group in groups:
        agent = first.get(group.text)
        if agent is not None and group.text not in told and not report.is_spoiled(group.path):
            told.add(group.text)
            message = f"the group {shown(group.node, group.path)} has the name of an agent, on line {agent.node.line}"
            report.add(group.path, group.node.line, message, "rename one of the two")


def _agents(root: Mapping) -> Iterator[Item]:
    """The agents' names, of both forms."""
    agents = root.entries.get("agents")
    for at, item in enumerate(agents.items if isinstance(agents, Sequence) else ()):
        if isinstance(item, Mapping):
            yield from text_of(item.entries.get("name"), ("agents", at, "name"))
        else:
            yield from text_of(item, ("agents", at))


def _long_forms(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    yield from mappings_in(root.entries.get("agents"), ("agents",))


def _groups(root: Mapping) -> Iterator[Item]:
    """The groups' names: the keys of the section, and those that agents give."""
    section = root.entries.get("groups")
    if isinstance(section, Mapping):
        for name in section.entries:
            yield Item(("groups", name), Scalar(section.key_lines.get(name), name, name), name)
    for path, agent in _long_forms(root):
        yield from texts_in(agent.entries.get("groups"), (*path, "groups"))


def _members(root: Mapping) -> Iterator[tuple[Path, Node]]:
    section = root.entries.get("groups")
    if isinstance(section, Mapping):
        for name, members in section.entries.items():
            yield ("groups", name), members


def _known_agents(node: Node | None) -> frozenset[str] | None:
    """The registered names, also badly written ones; None where some cannot be read."""
    if not isinstance(node, Sequence):
        return _all_texts(node)
    names = [item.entries.get("name", Broken(None)) if isinstance(item, Mapping) else item for item in node.items]
    return _all_texts(Sequence(node.line, names))


def _known_groups(root: Mapping) -> frozenset[str] | None:
    """The groups' names; None where some cannot be read."""
    section = root.entries.get("groups")
    if not is_absent(section) and not isinstance(section, Mapping):
        return None
    found = frozenset(section.entries) if isinstance(section, Mapping) else frozenset[str]()
    for _, agent in _long_forms(root):
        own = _all_texts(agent.entries.get("groups"))
        if own is None:
            return None
        found |= own
    return found


def _all_texts(node: Node | None) -> frozenset[str] | None:
    """The texts of a list, also those that stand for no text; None where something else stands in it."""
    if is_absent(node):
        return frozenset()
    if not isinstance(node, Sequence):
        return None
    texts = [_text(item) for item in node.items]
    return None if None in texts else frozenset(text for text in texts if text is not None)


def _text(node: Node) -> str | None:
    if isinstance(node, Scalar):
        return node.value if isinstance(node.value, str) else node.text
    return node.text if isinstance(node, Broken) else None
