"""Sums over a span of time and their course, from the index."""

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimux.audit import rollups
from aimux.audit.entry import is_failure, is_refusal
from aimux.audit.rollups import Sums
from aimux.audit.store import opened


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when, in how many steps, and of whom."""

    since: float
    until: float
    steps: int = 60
    agent: str | None = None
    route: str | None = None


def stats(log: Path, span: Span) -> dict[str, Any]:
    """Sums over a span: the fields of `admin.audit_models.AuditStats`, but for `behind`. Raises UnreadableError."""
    width = rollups.width_for(span.since, span.until, time.time())
    step = max(math.ceil((span.until - span.since) / span.steps / width), 1) * width
    first = int(span.since // step)
    points: defaultdict[int, _Point] = defaultdict(_Point)
    links: defaultdict[tuple[str, str, str], Sums] = defaultdict(Sums)
    whole = Sums()
    with opened(log) as database:
        for at, agent, route, verdict, sums in rollups.between(
            database, (span.since, span.until), width, span.agent, span.route
        ):
            points[int(at // step)].add(verdict, sums)
            links[agent, route, verdict].add(sums)
            whole.add(sums)
    course = range(first, max(math.ceil(span.until / step), first + 1))
    return {
        "since": _iso(span.since),
        "until": _iso(span.until),
        "step_seconds": step,
        **_quantiles(whole),
        "series": [{"at": _iso(number * step), **points[number].fields} for number in course],
        "links": [
            {"agent": agent, "route": route, "verdict": verdict, "requests": sums.requests, "bytes": sums.bytes}
            for (agent, route, verdict), sums in sorted(links.items())
        ],
    }


class _Point:
    """One step of a course."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._refused = 0

    def add(self, verdict: str, sums: Sums) -> None:
        self._sums.add(sums)
        if is_refusal(verdict) and not is_failure(verdict, None):
            self._refused += sums.requests

    @property
    def fields(self) -> dict[str, Any]:
        sums = self._sums
        return {
            "requests": sums.requests,
            "refused": self._refused,
            "failed": sums.failed,
            **_quantiles(sums),
            "model_ms": sums.mean_model_ms,
            "upstream_ms": sums.mean_upstream_ms,
        }


def _quantiles(sums: Sums) -> dict[str, float | None]:
    return {name: sums.quantile(share) for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
