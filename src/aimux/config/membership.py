"""Membership in groups, and the entries of lists that are groups."""

from collections.abc import Iterable

from aimux.config.schema import Config
from aimux.core.policy import GROUP_PREFIX


def groups_of(config: Config) -> dict[str, frozenset[str]]:
    """The groups of each agent, in the configuration's order: its own, and those that list it."""
    found = {agent.name: set(agent.groups) for agent in config.agents}
    for group, members in config.groups.items():
        for member in members:
            found[member].add(group)
    return {name: frozenset(groups) for name, groups in found.items()}


def parted(entries: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of a list, and the groups of it by their names."""
    every = frozenset(entries)
    groups = frozenset(entry for entry in every if entry.startswith(GROUP_PREFIX))
    return every - groups, frozenset(group.removeprefix(GROUP_PREFIX) for group in groups)
