"""The shape of what the audit endpoints answer, for the answers themselves and for their description."""

from typing import Annotated, Literal

from pydantic import Field

from aimux.admin.entry_models import AuditEntry, Moment
from aimux.admin.models import Answer

Behind = Annotated[int, Field(ge=0, description="Bytes of the log that the index has not read yet, nor this answer.")]


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
    not_interpreted: Annotated[
        int, Field(ge=0, description="Records that the index has read and does not know, or not all of.")
    ]


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
