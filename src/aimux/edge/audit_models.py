"""The shape of what the audit endpoints answer, for the answers themselves and for their description."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from aimux.edge.management_models import Answer

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Milliseconds = Annotated[float, Field(ge=0)]
Behind = Annotated[int, Field(ge=0, description="Bytes of the log that the index has not read yet, nor this answer.")]


class RecordPosition(Answer):
    """Where the two records of a request stand: chain, and number in it. `outcome` is null while it is being served."""

    chain: int
    decision: int
    outcome: int | None


class ConflictingClaim(Answer):
    """A later claim that named somebody else."""

    place: Literal["query", "header", "body"]
    field: str
    name: Annotated[
        str | None,
        Field(
            description="As it was sent, shortened; *** where that is configured. null: what stood there is no name."
        ),
    ]


class RouteScore(Answer):
    """What a route scored, and the score that it needed at that time."""

    route: str
    score: float
    min_score: float


class DecidingPart(Answer):
    """The part of a text that decided, since the whole means no route or since the part stands for another one."""

    route: Annotated[str, Field(description="The route that it stands for.")]
    start: Annotated[int | None, Field(description="Number of its first character in the text. null: not found there.")]
    end: Annotated[int | None, Field(description="Number of the character behind its last one.")]
    text: Annotated[str | None, Field(description="Its words, where the recorded text shows them.")]
    score: Annotated[float, Field(description="Its score for the route.")]


class AuditEntry(Answer):
    """One request: what was decided, why, and what became of it."""

    position: RecordPosition
    time: Moment
    request_id: str
    trace_id: str
    client_request_id: Annotated[str | None, Field(description="What the caller calls it, which proves nothing.")]
    upstream_request_id: Annotated[str | None, Field(description="What the upstream, a provider mostly, calls it.")]
    agent: Annotated[str | None, Field(description="null for anonymous callers and where the identity was refused.")]
    identity: Annotated[
        Literal["none", "claimed"] | None, Field(description="How it was established. null where it was refused.")
    ]
    conflicts: list[ConflictingClaim]
    peer: str
    method: str
    path: str
    dialect: str
    text: Annotated[str | None, Field(description="As much of it as audit.text says, secrets blotted out.")]
    text_digest: Annotated[Digest | None, Field(description="SHA-256 of the whole text, secrets blotted out.")]
    route: Annotated[str | None, Field(description="The route that it went to, or that it was refused for.")]
    score: Annotated[
        float | None,
        Field(description="The score that decided: of the whole text, or of the part that chose the route."),
    ]
    runner_up: Annotated[str | None, Field(description="The route with the second highest score there.")]
    margin: Annotated[float | None, Field(description="By how much the first led the second there.")]
    ambiguity_threshold: Annotated[float | None, Field(description="The margin that was needed.")]
    scores: Annotated[list[RouteScore], Field(description="The highest, at most 32, highest first.")]
    verdict: Annotated[str, Field(description="forward, fallback, answered, or the code of the refusal.")]
    rule: Annotated[str, Field(description="The rule that decided, in words.")]
    config: Annotated[str | None, Field(description="Digest of the configuration that it was decided by, if any.")]
    model: Annotated[str | None, Field(description="Digest of the model.")]
    cached: Annotated[bool | None, Field(description="Whether the scores were remembered. null: none were needed.")]
    decided_ms: Milliseconds | None
    model_ms: Milliseconds | None
    upstream_ms: Annotated[Milliseconds | None, Field(description="Until the head of the upstream's response came.")]
    total_ms: Milliseconds | None
    status: int | None
    bytes: int | None
    ended: Literal["completed", "idle", "client_left", "upstream_failed", "truncated"] | None
    chosen_by: Annotated[
        Literal["text", "list", "earlier_turn", "name", "path", "nothing"] | None,
        Field(description="What chose the route; nothing: the fallback takes requests without a text."),
    ]
    turn: Annotated[
        int | None, Field(description="How many messages of the user before the last one the turn stands that chose.")
    ]
    best: Annotated[str | None, Field(description="The route with the highest score of the whole text.")]
    best_score: Annotated[float | None, Field(description="That score.")]
    part: Annotated[DecidingPart | None, Field(description="The part of the text that decided, where one did.")]
    listed: Annotated[int | None, Field(description="How many further texts of a list were judged beside this one.")]


class AuditPage(Answer):
    """Requests that the filters let through, the newest first."""

    requests: list[AuditEntry]
    next: Annotated[str | None, Field(description="`before` of the next page. null: there is none.")]
    unreadable: Annotated[
        int, Field(ge=0, description="Requests that belong on this page and whose records are not in the log any more.")
    ]
    behind: Behind


class CheckpointEntry(Answer):
    """A signed statement of how far a chain had come."""

    count: int
    at: Moment


class ChainEntry(Answer):
    """One worker's chain of records."""

    chain: int
    origin: Annotated[str, Field(description="The chain's name in its checkpoints, given once.")]
    first: Annotated[int, Field(description="Number of the oldest record that is kept.")]
    last: int
    segments: int
    bytes: int
    checkpoint: CheckpointEntry | None
    verified: Annotated[int, Field(description="Number of the last record whose hash the index has checked.")]
    fault: Annotated[str | None, Field(description="The first record that does not verify, and why.")]


class AuditStatus(Answer):
    """The state of the audit log."""

    enabled: bool
    writable: Annotated[bool, Field(description="While it is not, agent traffic is refused.")]
    problem: str | None
    faults: Annotated[
        list[str], Field(description="What is wrong with the files of the chain of the worker that answers, in words.")
    ]
    index_problem: Annotated[
        str | None,
        Field(description="What has been wrong with the index for some time, so that answers lack requests."),
    ]
    sync: Literal["os", "always"]
    text: Literal["full", "excerpt", "none"]
    chains: list[ChainEntry]
    behind: Behind


class StatsPoint(Answer):
    """What happened in one step of time, from its beginning `at`. Quantiles are null where nothing happened."""

    at: Moment
    requests: int
    refused: int
    failed: Annotated[int, Field(description="Faults of the gateway and of upstreams, cut responses among them.")]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    model_ms: Annotated[float | None, Field(description="Mean.")]
    upstream_ms: Annotated[float | None, Field(description="Mean.")]


class Link(Answer):
    """What one agent asked of one route, by verdict."""

    agent: Annotated[str, Field(description="Or (anonymous), or (unidentified) where the identity was refused.")]
    route: Annotated[str, Field(description="Or fallback, or (none).")]
    verdict: str
    requests: int
    bytes: int


class AuditStats(Answer):
    """Sums over a span of time, and its course in steps."""

    since: Moment
    until: Moment
    step_seconds: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    series: list[StatsPoint]
    links: list[Link]
    behind: Behind
