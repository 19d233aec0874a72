"""From a checked configuration to the policy that requests are decided by."""

from aimux.config.access import ANY_AGENT
from aimux.config.membership import groups_of, parted
from aimux.config.schema import Config, FallbackConfig, GuardConfig, RouteConfig, UpstreamsConfig
from aimux.config.upstream_url import parse_upstream
from aimux.core.identity import Agent
from aimux.core.paths import parse_pattern
from aimux.core.policy import FALLBACK_NAME, Access, Guard, IdentitySources, Policy, Redirects, Route, Timeouts


def compile_policy(config: Config, digest: str) -> Policy:
    """The policy of a configuration; `digest` names it."""
    fallback = None if config.fallback is None else _route(config, config.fallback, FALLBACK_NAME)
    return Policy.of(
        tuple(_route(config, route, route.name) for route in config.routes),
        agents=tuple(Agent(name, groups=groups) for name, groups in groups_of(config).items()),
        fallback=fallback,
        ambiguity_threshold=config.semantic_engine.ambiguity_threshold,
        identity=IdentitySources(
            query_params=config.identity.query_params,
            headers=tuple(header.lower() for header in config.identity.headers),
            body_field=config.identity.body_field,
        ),
        digest=digest,
        guards=tuple(_guard(guard) for guard in config.semantic_engine.guards),
        all_messages=config.semantic_engine.scope == "all_messages",
        close_reading=config.semantic_engine.close_reading,
        follow_ups=config.semantic_engine.follow_ups == "keep",
        address=address_of(config.server.host, str(config.server.port or "PORT")),
        groups=config.groups,
        gives_up_models=config.admin.listen is not None,
    )


def address_of(host: str, port: str) -> str:
    """The URL by which callers on this machine reach a gateway that listens on this host, or on every network."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _guard(guard: GuardConfig) -> Guard:
    names, groups = parted(getattr(guard, "except"))
    return Guard(guard.name, guard.intents, guard.min_score, names, groups)


def _route(config: Config, section: RouteConfig | FallbackConfig, name: str) -> Route:
    ca_file = section.ca_file or config.upstreams.ca_file
    own_score = section.min_score if isinstance(section, RouteConfig) else None
    names, groups = parted(section.allowed or ())
    return Route(
        name=name,
        upstream=parse_upstream(section.upstream, None if ca_file is None else str(ca_file)),
        access=_access(section.allowed),
        allowed=names - {ANY_AGENT},
        intents=section.intents if isinstance(section, RouteConfig) else (),
        min_score=config.semantic_engine.min_score if own_score is None else own_score,
        paths=tuple(map(parse_pattern, section.paths)) if isinstance(section, RouteConfig) else (),
        redirects=Redirects(section.redirects or config.upstreams.redirects),
        timeouts=_timeouts(config.upstreams, section.response_timeout),
        groups=groups,
        prefix=section.prefix if isinstance(section, RouteConfig) else None,
    )


def _timeouts(upstreams: UpstreamsConfig, response: float | None) -> Timeouts:
    """The timeouts of one upstream, with its own for the response where it has one."""
    return Timeouts(
        connect=upstreams.connect_timeout,
        response=response or upstreams.response_timeout,
        idle=upstreams.idle_timeout,
        keepalive=upstreams.keepalive_timeout,
    )


def _access(allowed: tuple[str, ...] | None) -> Access:
    if allowed is None:
        return Access.OPEN
    return Access.PUBLIC if allowed == (ANY_AGENT,) else Access.RESTRICTED
