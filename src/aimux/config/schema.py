"""The shape of a configuration: every key with its type, default and meaning."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field

from aimux.config.agent_section import AgentItem
from aimux.config.fields import (
    Allowed,
    Count,
    CountOrNone,
    Digest,
    Entries,
    ExcerptLength,
    FilePath,
    Flag,
    Groups,
    HeaderName,
    Name,
    PathRule,
    PrefixPath,
    Score,
    Seconds,
    Size,
    Text,
    UpstreamURL,
)
from aimux.config.operators_section import AdminConfig, OperatorConfig
from aimux.config.section import KIB, MIB, Section, choice
from aimux.config.server_section import ServerConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RedirectsChoice = Annotated[Literal["rewrite", "pass"], choice("rewrite", "pass")]


class LoggingConfig(Section):
    """What the gateway writes about itself and each request."""

    level: Annotated[Literal["debug", "info", "warn", "error"], choice("debug", "info", "warn", "error")] = "info"
    """Least importance of what is logged. debug adds scores and timings to each request."""
    timestamp: Flag = True
    """Whether lines begin with the time. Turn it off where the log's reader adds its own, as journald does."""
    format: Annotated[Literal["auto", "human", "json"], choice("auto", "human", "json")] = "auto"
    """Form of a line. auto is human on a terminal and json elsewhere."""


class TelemetryConfig(Section):
    """What the standard OTEL_* variables ask for: see telemetry.md."""

    required: Flag = False
    """Whether the gateway refuses to start where they ask for what it cannot do. Else it warns and goes without."""


class GuardConfig(Section):
    """A meaning that is refused wherever it appears, whatever the route."""

    name: Name
    """The guard's name, unique, in kebab-case or snake_case. The audit log and the answer say it."""
    intents: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Short examples of what is refused."""
    min_score: Score = 0.5
    """Similarity (0-1) to the nearest of these from which a text, or any part of it, is refused."""
    # A word of Python's own can be a field only in this way.
    __annotations__["except"] = Annotated[
        Entries, Field(description="Agents, and groups as group:name, that may say it all the same.")
    ]
    vars()["except"] = ()


class EngineConfig(Section):
    """How texts are compared with the intents of routes."""

    model_path: FilePath = Path("./models/all-MiniLM-L6-v2.onnx")
    """The embedding model's ONNX file, relative to the configuration file."""
    min_score: Score = 0.40
    """Score (0-1) below which a text matches no route. The words of an intent itself score 1 in its route."""
    ambiguity_threshold: Score = 0.05
    """By how much (0-1) the best score must lead the second best."""
    thresholds_model: Digest | None = None
    """Digest of the model that the thresholds were measured with, as `aimux tune` writes it. Any other is warned of."""
    max_tokens: Count = 8192
    """Longest text that is scored, in tokens of the model. A token is about four characters of English."""
    cache_entries: CountOrNone = 4096
    """Texts whose embedding is remembered. 0 remembers none."""
    max_waiting: Count = 256
    """Texts that may wait for the model at once; further requests are refused as overloaded."""
    max_wait: Seconds = 5.0
    """Seconds that a text may wait for the model before its request is refused as overloaded."""
    scope: Annotated[Literal["last_user", "all_messages"], choice("last_user", "all_messages")] = "last_user"
    """What of a conversation is looked at: the last message of its user, or for what is forbidden all messages."""
    close_reading: Flag = False
    """Whether short texts that nothing divides are read in halves too: more are refused, and it takes longer."""
    follow_ups: Annotated[Literal["keep", "fallback"], choice("keep", "fallback")] = "keep"
    """Conversations whose last message means no route: keep the route of an earlier message, or take the fallback."""
    guards: tuple[GuardConfig, ...] = ()
    """Meanings that are refused wherever they appear."""


class AuditConfig(Section):
    """The record of who reached what, and why: see audit.md."""

    enabled: Flag = True
    """Whether each request is recorded. Without it nothing can be said afterwards of who did what."""
    path: FilePath = Path("./audit")
    """Folder of the log, relative to the configuration file. No two gateways share one."""
    sync: Annotated[Literal["os", "always"], choice("os", "always")] = "os"
    """What a record survives before its request is forwarded: os the end of the process, always a loss of power too."""
    text: Annotated[Literal["full", "excerpt", "none"], choice("full", "excerpt", "none")] = "excerpt"
    """How much of a text is recorded, besides its digest. full stops at 32 Ki characters."""
    excerpt_length: ExcerptLength = 200
    """Characters of a text that an excerpt has, at most 16384."""
    redact_headers: tuple[HeaderName, ...] = ()
    """Headers of which nothing is recorded, also where a text quotes them, besides Authorization, cookies and keys."""
    redact_fields: tuple[Text, ...] = ()
    """JSON fields and parameters of which nothing is recorded, besides passwords and keys that a text quotes."""
    segment_size: Size = ByteSize(64 * MIB)
    """Size from which on a file of the log is full, and another one is begun."""
    keep_days: Count = 90
    """Days that full files are kept."""
    keep_size: Size = ByteSize(10 * 1024 * MIB)
    """Size of the whole log above which the oldest full files are removed."""
    trim_share: Score = 0.01
    """Share (0-1) of a worker's files, by size, that may be removed in a minute for their age; one file always may."""
    checkpoint_interval: Seconds = 10.0
    """Seconds between two signed checkpoints while requests come in."""
    checkpoint_to: FilePath | None = None
    """File that gets each checkpoint as well, best one that the gateway's machine cannot rewrite; see audit.md."""
    signing_key: FilePath | None = None
    """PEM file with the Ed25519 key that signs checkpoints. Absent: one is made in the log's folder."""


class StateConfig(Section):
    """What changes while the gateway runs, and outlasts it."""

    path: FilePath = Path("./state")
    """Folder of the state, relative to the configuration file, on a local disk. No two gateways share one."""


class IdentityConfig(Section):
    """Where a request may name its caller, in this order: query, headers, body."""

    query_params: tuple[Text, ...] = ("client_id", "agent", "source")
    """Query parameters, first one first."""
    headers: tuple[HeaderName, ...] = ("X-Source-Agent", "X-Client-ID")
    """Header fields, first one first."""
    body_field: Text | None = "agent"
    """Field of a JSON body's top-level object. null reads no identity from bodies."""


class FallbackConfig(Section):
    """Where a request goes whose text matches no route."""

    upstream: UpstreamURL
    """URL of the service, http or https, with an optional base path."""
    allowed: Allowed = None
    """Agents and groups (group:name) that may use it. Absent: everybody, anonymous callers too. ["*"]: any registered
    agent. []: nobody."""
    ca_file: FilePath | None = None
    """PEM file with the certificates that sign this upstream's, relative to the configuration file."""
    redirects: RedirectsChoice | None = None
    """Treatment of this upstream's redirects; upstreams.redirects where absent."""
    response_timeout: Seconds | None = None
    """Seconds until the head of this upstream's response has arrived; upstreams.response_timeout where absent."""


class RouteConfig(Section):
    """A service, the meaning of the requests that it serves, and who may use it."""

    name: Name
    """The route's name, unique, in kebab-case or snake_case."""
    upstream: UpstreamURL
    """URL of the service, http or https, with an optional base path."""
    intents: tuple[Text, ...] = ()
    """Short examples of what requests to this route say. Without any it is reached by name, prefix or paths only."""
    paths: tuple[PathRule, ...] = ()
    """Methods and paths of requests without a text that this route takes, such as GET /v1/files/* for all below it."""
    prefix: PrefixPath | None = None
    """Path that addresses this route, such as /files: requests below it go to the upstream without it."""
    allowed: Allowed = None
    """Agents and groups (group:name) that may use it. Absent: everybody, anonymous callers too. ["*"]: any registered
    agent. []: nobody."""
    min_score: Score | None = None
    """Score (0-1) below which a text does not match this route; semantic_engine.min_score where absent."""
    ca_file: FilePath | None = None
    """PEM file with the certificates that sign this upstream's, relative to the configuration file."""
    redirects: RedirectsChoice | None = None
    """Treatment of this upstream's redirects; upstreams.redirects where absent."""
    response_timeout: Seconds | None = None
    """Seconds until the head of this upstream's response has arrived; upstreams.response_timeout where absent."""


class UpstreamsConfig(Section):
    """How the gateway talks to the services behind it."""

    connect_timeout: Seconds = 5.0
    """Seconds that connecting, TLS included, may take."""
    response_timeout: Seconds = 600.0
    """Seconds until the head of the response has arrived. Each sent piece of the request's body starts them anew."""
    idle_timeout: Seconds = 300.0
    """Seconds between two pieces of a response. Then it is cut, or, where it is an event stream for a GET, ended."""
    keepalive_timeout: Seconds = 4.0
    """Seconds that an unused connection is kept. Common servers close theirs after 5: stay below."""
    ca_file: FilePath | None = None
    """PEM file with certificates for all https upstreams that have none of their own; the system's where absent."""
    redirects: RedirectsChoice = "rewrite"
    """Redirects of upstreams: rewrite keeps them at the gateway and refuses others, pass hands them on as they came."""
    max_header_bytes: Size = ByteSize(64 * KIB)
    """Size of a response's head."""
    max_headers: Count = 200
    """Header fields in one response."""


class Config(Section):
    """Configuration of an AIMux gateway."""

    server: ServerConfig = Field(default_factory=ServerConfig)
    """Where the gateway listens, and what it accepts from clients."""
    logging: LoggingConfig = Field(default_factory=LoggingConfig)
    """What the gateway writes about itself and each request."""
    telemetry: TelemetryConfig = Field(default_factory=TelemetryConfig)
    """What is exported by OpenTelemetry."""
    semantic_engine: EngineConfig = Field(default_factory=EngineConfig)
    """How texts are compared with the intents of routes."""
    audit: AuditConfig = Field(default_factory=AuditConfig)
    """The record of who reached what, and why."""
    state: StateConfig = Field(default_factory=StateConfig)
    """What changes while the gateway runs."""
    admin: AdminConfig = Field(default_factory=AdminConfig)
    """Where the gateway listens for operators."""
    operators: tuple[OperatorConfig, ...] = ()
    """Who reads the gateway's pages from elsewhere, and who gives it commands."""
    identity: IdentityConfig = Field(default_factory=IdentityConfig)
    """Where a request may name its caller."""
    agents: tuple[AgentItem, ...] = ()
    """The registered agents: a name, or a name with more. A request that gives any other name is refused."""
    groups: Groups = Field(default_factory=dict)
    """Groups of agents by their names: lists of registered agents. An agent's own groups add to these."""
    routes: tuple[RouteConfig, ...] = ()
    """The services that requests are routed to."""
    fallback: FallbackConfig | None = None
    """Where a request goes whose text matches no route; without it such a request is refused."""
    upstreams: UpstreamsConfig = Field(default_factory=UpstreamsConfig)
    """How the gateway talks to the services behind it."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a configuration file, for editors."""
    schema = Config.model_json_schema()
    properties = schema["properties"]
    for name, field in Config.model_fields.items():
        # A section without a value counts as absent.
        if "null" not in str(properties[name].get("anyOf")):
            properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
        properties[name]["description"] = field.description
    return {
        "$schema": DIALECT,
        **schema,
        "title": "AIMux configuration",
        "anyOf": [{"required": ["routes"]}, {"required": ["fallback"]}],
    }
