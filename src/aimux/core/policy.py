"""One whole configuration of the decision, frozen: routes, agents, thresholds and where identity is looked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from aimux.core.headers import folded
from aimux.core.identity import Agent, Assurance, Principal, Proof
from aimux.core.paths import NO_PATHS, PathPattern, PathTable
from aimux.core.prefixes import PrefixTable


class Access(StrEnum):
    """Who may use a route: anybody, any registered agent, or only those that are listed."""

    OPEN = "open"
    PUBLIC = "public"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a route leads. `base_path` is empty or starts with `/` and does not end with one."""

    url: str
    secure: bool
    host: str
    port: int
    base_path: str
    ca_file: str | None = None
    authority: str = field(init=False)
    """Host and port as a Host header wants them: IPv6 in brackets, the scheme's default port left out."""

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        object.__setattr__(self, "authority", host if usual else f"{host}:{self.port}")


class Redirects(StrEnum):
    """Treatment of the addresses that an upstream's response sends its reader to."""

    REWRITE = "rewrite"
    PASS = "pass"  # noqa: S105  (the word of the configuration)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an upstream may take, in seconds.

    `connect` is for the connection, TLS included, `response` until the head of the response, `idle` between two pieces
    of it. `keepalive` is how long an unused connection is kept.
    """

    connect: float = 5.0
    response: float = 600.0
    idle: float = 300.0
    keepalive: float = 4.0


@dataclass(frozen=True, slots=True)
class Route:
    """A named upstream, the intents that lead to it, and the agents and groups of agents that may use it.

    `paths` claim requests that have no text; a `prefix` of the path addresses the route, None where it has none.
    """

    name: str
    upstream: Upstream
    access: Access
    allowed: frozenset[str] = frozenset()
    intents: tuple[str, ...] = ()
    min_score: float = 0.40
    paths: tuple[PathPattern, ...] = ()
    redirects: Redirects = Redirects.REWRITE
    timeouts: Timeouts = Timeouts()
    groups: frozenset[str] = frozenset()
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A meaning that nobody but the agents in `excepted`, and in `excepted_groups`, may express, whatever the route."""

    name: str
    intents: tuple[str, ...]
    min_score: float
    excepted: frozenset[str] = frozenset()
    excepted_groups: frozenset[str] = frozenset()

    def excepts(self, principal: Principal) -> bool:
        """Whether it leaves this caller alone."""
        if principal.agent in self.excepted:
            return True
        return bool(self.excepted_groups) and not self.excepted_groups.isdisjoint(principal.groups)


FALLBACK_NAME: Final = "fallback"
GROUP_PREFIX: Final = "group:"
"""What stands before the name of a group in a list of agents. No agent's name holds a colon."""
DEFAULT_ADDRESS: Final = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class IdentitySources:
    """The names under which a caller may give its identity, in order of precedence. Headers are in lower case.

    Without a `body_field`, bodies say nothing of identity.
    """

    query_params: tuple[str, ...] = ("client_id", "agent", "source")
    headers: tuple[str, ...] = ("x-source-agent", "x-client-id")
    body_field: str | None = "agent"
    header_keys: tuple[bytes, ...] = field(init=False)
    """The headers' names as they stand in a request's head."""
    folded_keys: frozenset[bytes] = field(init=False)
    """The same as lax servers read them."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = tuple(name.encode("ascii") for name in self.headers)
        object.__setattr__(self, "header_keys", keys)
        object.__setattr__(self, "folded_keys", frozenset(map(folded, keys)))
        object.__setattr__(self, "_hash", hash((self.query_params, self.headers, self.body_field)))

    def __hash__(self) -> int:
        # Asked for with every request.
        return self._hash


@dataclass(frozen=True, slots=True)
class Policy:
    """What `decide` judges by. `digest` names the configuration that it was compiled from.

    `claimed` are those agents for which a bare claim is enough, as whom a caller that makes it is judged. `groups` are
    the names of all groups, also of those without a member: the members are known by each agent's `groups`.
    """

    routes: tuple[Route, ...]
    by_name: MappingProxyType[str, Route]
    agents: MappingProxyType[str, Agent]
    claimed: MappingProxyType[str, Principal]
    fallback: Route | None
    ambiguity_threshold: float
    identity: IdentitySources
    digest: str
    needs_scores: bool
    guards: tuple[Guard, ...] = ()
    all_messages: bool = False
    """Whether all messages of a conversation are looked at, and not only the last one of its user."""
    close_reading: bool = False
    """Whether short texts that nothing divides are read in halves too."""
    follow_ups: bool = False
    """Whether an earlier turn of the user chooses where the last one means no route."""
    paths: PathTable = NO_PATHS
    address: str = DEFAULT_ADDRESS
    """The URL by which callers on this machine reach the gateway, for hints: scheme, host and port."""
    groups: frozenset[str] = frozenset()
    prefixes: PrefixTable | None = None
    """The prefixes of paths that address routes; None where no route has one."""
    gives_up_models: bool = False
    """Whether the gateway's own list of models is given up where a request for it names a route or a path claims it."""

    @property
    def hears(self) -> bool:
        """Whether it matters to somebody's request what is said in it beside the text."""
        return self.all_messages or bool(self.guards)

    @classmethod
    def of(
        cls,
        routes: tuple[Route, ...],
        *,
        agents: Iterable[Agent | str] = (),
        fallback: Route | None = None,
        ambiguity_threshold: float = 0.05,
        identity: IdentitySources | None = None,
        digest: str = "",
        guards: tuple[Guard, ...] = (),
        all_messages: bool = False,
        close_reading: bool = False,
        follow_ups: bool = False,
        address: str = DEFAULT_ADDRESS,
        groups: Iterable[str] = (),
        gives_up_models: bool = False,
    ) -> "Policy":
        """Build a policy, deriving what follows from its parts. An agent that is a name accepts claims.

        `groups` are those that may have no member; those of the agents are added.
        """
        known = {each.name: each for each in (Agent(each) if isinstance(each, str) else each for each in agents)}
        claimed = {
            name: Principal(name, Assurance.CLAIMED, Proof.CLAIM, groups=agent.groups)
            for name, agent in known.items()
            if Assurance.CLAIMED in agent.accepts
        }
        prefixes = tuple((route.prefix, route.name) for route in routes if route.prefix is not None)
        return cls(
            routes=routes,
            by_name=MappingProxyType({route.name: route for route in routes}),
            agents=MappingProxyType(known),
            claimed=MappingProxyType(claimed),
            fallback=fallback,
            ambiguity_threshold=ambiguity_threshold,
            identity=identity or IdentitySources(),
            digest=digest,
            needs_scores=bool(guards) or any(route.intents for route in routes),
            guards=guards,
            all_messages=all_messages,
            close_reading=close_reading,
            follow_ups=follow_ups,
            paths=PathTable(tuple((place, each) for place, route in enumerate(routes) for each in route.paths)),
            address=address,
            groups=frozenset(groups).union(*(agent.groups for agent in known.values())),
            prefixes=PrefixTable(prefixes) if prefixes else None,
            gives_up_models=gives_up_models,
        )
