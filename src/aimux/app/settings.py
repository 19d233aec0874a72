"""From the configuration to the limits that the edge and the model are built with."""

from contextlib import suppress

from aimux.admin.operators import Operators, known_tokens
from aimux.audit.segments import chains_in
from aimux.audit.settings import AuditSettings
from aimux.config.schema import Config
from aimux.edge.log import LogSettings
from aimux.edge.outgoing import UpstreamLimits
from aimux.edge.server import ServerLimits
from aimux.intent.limits import ScorerLimits
from aimux.wire.cors import Cors
from aimux.wire.http1 import HeadLimits
from aimux.wire.response import ResponseHeadLimits

_DAY = 24 * 60 * 60


def log_settings(config: Config) -> LogSettings:
    """How the log is written."""
    return LogSettings(config.logging.level, config.logging.timestamp, config.logging.format)


def audit_settings(config: Config) -> AuditSettings:
    """How the audit log is written and kept."""
    audit = config.audit
    chains = set(range(1, config.server.workers + 1))
    with suppress(OSError):  # whoever opens the log says what is wrong with it
        # Those of workers that are no more have a part of the whole size too.
        chains.update(chains_in(audit.path))
    return AuditSettings(
        path=audit.path,
        always=audit.sync == "always",
        text=audit.text,
        excerpt=audit.excerpt_length,
        segment_bytes=audit.segment_size,
        keep_seconds=audit.keep_days * _DAY,
        keep_bytes=audit.keep_size,
        trim_share=audit.trim_share,
        checkpoint_interval=audit.checkpoint_interval,
        checkpoint_to=audit.checkpoint_to,
        signing_key=audit.signing_key,
        hidden_headers=audit.redact_headers,
        hidden_fields=audit.redact_fields,
        chains=len(chains),
    )


def server_limits(config: Config) -> ServerLimits:
    """What one client may take."""
    server = config.server
    return ServerLimits(
        head=HeadLimits(server.max_header_bytes, server.max_headers, server.max_target_bytes),
        max_body=server.max_body_bytes,
        max_connections=server.max_connections,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
        send_timeout=server.send_timeout,
        idle_timeout=server.idle_timeout,
        trusted_proxies=server.trusted_proxies,
    )


def cors(config: Config) -> Cors | None:
    """The CORS policy of the configuration; None where it has none."""
    given = config.server.cors
    return None if given is None else Cors(frozenset(given.origins), given.headers, given.max_age)


def operators_of(config: Config) -> Operators:
    """The operators by the configuration, and by the user that this process runs as."""
    token = config.server.admin_token
    return Operators(known_tokens(config.operators, token.get_secret_value() if token else None))


def upstream_limits(config: Config) -> UpstreamLimits:
    """What one upstream may take."""
    upstreams = config.upstreams
    head = ResponseHeadLimits(upstreams.max_header_bytes, upstreams.max_headers)
    return UpstreamLimits(head, config.server.sse_keepalive or None)


def scorer_limits(config: Config) -> ScorerLimits:
    """What texts may take of the model."""
    engine = config.semantic_engine
    return ScorerLimits(engine.cache_entries, engine.max_waiting, engine.max_wait)


def timeouts(config: Config) -> tuple[float, ...]:
    """Every deadline of a connection, in seconds."""
    server, upstreams = config.server, config.upstreams
    own = [route.response_timeout for route in config.routes]
    if config.fallback is not None:
        own.append(config.fallback.response_timeout)
    return (
        *(seconds for seconds in (*own, server.sse_keepalive) if seconds),
        server.header_timeout,
        server.body_timeout,
        server.send_timeout,
        server.idle_timeout,
        upstreams.response_timeout,
        upstreams.idle_timeout,
        upstreams.keepalive_timeout,
    )
