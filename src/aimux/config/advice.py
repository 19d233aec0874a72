"""What a configuration may say but hardly means."""

from collections.abc import Iterator

from aimux.config.access import ANY_AGENT
from aimux.config.membership import groups_of, parted
from aimux.config.problem import quoted
from aimux.config.schema import Config, FallbackConfig, RouteConfig


def warnings_of(config: Config) -> tuple[str, ...]:
    """One line for each thing that was hardly meant."""
    found = list(_shared_intents(config))
    inhabited = frozenset[str]().union(*groups_of(config).values())
    for route in config.routes:
        found += _of_section(f"route '{route.name}'", route, config, inhabited)
    if config.fallback is not None:
        found += _of_section("the fallback", config.fallback, config, inhabited)
    return tuple(found)


def _shared_intents(config: Config) -> Iterator[str]:
    homes: dict[str, list[str]] = {}
    for route in config.routes:
        for intent in route.intents:
            homes.setdefault(" ".join(intent.lower().split()), []).append(route.name)
    for intent, names in homes.items():
        if len(set(names)) > 1:
            yield f"the intent {quoted(intent)} stands in {', '.join(names)}: such a text is ambiguous between them"


def _of_section(
    place: str, section: RouteConfig | FallbackConfig, config: Config, inhabited: frozenset[str]
) -> Iterator[str]:
    """`inhabited`: the groups that some agent is in."""
    if section.allowed == ():
        yield f"{place} allows nobody, since its `allowed` is empty"
    names, groups = parted(section.allowed or ())
    if groups and not names and groups.isdisjoint(inhabited):
        yield f"{place} allows nobody, since no agent is in a group that its `allowed` names"
    if section.allowed == (ANY_AGENT,) and not config.agents:
        yield f"{place} allows any registered agent, and none is registered under `agents`"
    if section.ca_file is not None and not section.upstream.lower().startswith("https:"):
        yield f"{place} has a ca_file, which an http upstream does not use"
