"""Prometheus metrics, folded over the records. Label values come from the configuration, never from a caller."""

import platform
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from aimux import __version__
from aimux.audit.index_watch import IndexWatch
from aimux.audit.log import AuditLog
from aimux.core.operator import Command
from aimux.core.reason import Reason
from aimux.core.record import Ended, Record
from aimux.core.rules import Rule
from aimux.edge.metrics_sum import Families, taken_apart
from aimux.gateway.live import Live
from aimux.gateway.serving import Serving

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.encode("ascii")
# No name in a configuration can have parentheses, so that these never collide with one.
ANONYMOUS: Final = "(anonymous)"
UNIDENTIFIED: Final = "(unidentified)"
NO_ROUTE: Final = "(none)"
NO_COMMAND: Final = "(none)"
_REDIRECT_REFUSED: Final = Reason.REDIRECT_REFUSED.code
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BOUNDS: Final = (*map(str, _BUCKETS), "+Inf")

Labels = tuple[str, ...]
_UNLABELLED: Final[Labels] = ()


class _Durations:
    """How many things took how long, in seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.total += seconds


class Metrics(Collector):
    """The metrics of one process: plain numbers, which become metrics only when somebody reads them."""

    def __init__(
        self,
        live: Live,
        serving: Callable[[], Serving],
        audit: AuditLog | None = None,
        index: IndexWatch | None = None,
    ) -> None:
        """`serving` tells what this process serves by."""
        self._live = live
        self._serving = serving
        self._audit = audit
        self._index = index
        self._requests: Counter[Labels] = Counter()
        self._rules: Counter[Rule] = Counter()
        self._commands: Counter[Labels] = Counter()
        self._duration = _Durations()
        self._model_duration = _Durations()
        self._upstream_durations: defaultdict[Labels, _Durations] = defaultdict(_Durations)
        self._upstream_errors: Counter[Labels] = Counter()
        self._reloads: Counter[Labels] = Counter({("success",): 0, ("failure",): 0})
        self._last_reload = True
        self._hits = self._misses = self._response_bytes = self._wrong_tokens = 0
        build = {"version": __version__, "python": platform.python_version()}
        self._infos: dict[str, tuple[str, dict[str, str]]] = {"build": ("The build.", build)}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def configuration(self, digest: str) -> None:
        """Say which configuration is in force."""
        self._infos["config"] = ("The configuration in force.", {"digest": digest})

    def reloaded(self, *, successful: bool) -> None:
        """Count an attempt to take a new configuration over."""
        self._reloads["success" if successful else "failure",] += 1
        self._last_reload = successful

    def wrong_token(self) -> None:
        """Count a token that proves no operator."""
        self._wrong_tokens += 1

    def command(self, given: Command) -> None:
        """Count a command."""
        self._commands[given.name or NO_COMMAND, given.verdict] += 1

    def model(self, name: str, digest: str, dimensions: int) -> None:
        """Say which model is in force."""
        self._infos["model"] = ("The model.", {"name": name, "digest": digest, "dimensions": str(dimensions)})

    def request(self, record: Record) -> None:
        """Count one request."""
        route = record.route or NO_ROUTE
        verdict = record.verdict or record.ended.value
        self._requests[route, _agent_label(record), verdict] += 1
        if record.rule is not None:
            self._rules[record.rule] += 1
        self._duration.observe(record.total_seconds)
        self._response_bytes += record.response_bytes
        if record.cached:
            self._hits += 1
        elif record.model_seconds is not None:
            self._misses += 1
            self._model_duration.observe(record.model_seconds)
        if record.upstream_seconds is not None:
            self._upstream_durations[route,].observe(record.upstream_seconds)
        failed_upstream = verdict.startswith("upstream_") or verdict == _REDIRECT_REFUSED
        if failed_upstream or record.ended is Ended.TRUNCATED:
            self._upstream_errors[route, verdict if failed_upstream else "truncated"] += 1

    def render(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self._registry)

    def families(self) -> Families:
        """The metrics to be added to those of other processes."""
        return taken_apart(self._registry.collect())

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        requests = "Requests by route, agent and verdict."
        yield _counts("aimux_requests", requests, ("route", "agent", "verdict"), self._requests)
        decisions = "Requests by the rule that decided, see docs/rules.md."
        yield _counts(
            "aimux_decisions", decisions, ("rule",), {(rule.id,): count for rule, count in self._rules.items()}
        )
        yield _durations(
            "aimux_request_duration_seconds",
            "Time from a request's head to its end.",
            (),
            {_UNLABELLED: self._duration},
        )
        yield _durations(
            "aimux_model_duration_seconds",
            "Time to score a text, the wait included.",
            (),
            {_UNLABELLED: self._model_duration},
        )
        upstream = "Time from sending a request upstream to its response's head."
        yield _durations("aimux_upstream_duration_seconds", upstream, ("route",), self._upstream_durations)
        errors = "Failed upstream exchanges by route and code."
        yield _counts("aimux_upstream_errors", errors, ("route", "code"), self._upstream_errors)
        yield CounterMetricFamily("aimux_score_cache_hits", "Texts whose scores were remembered.", self._hits)
        yield CounterMetricFamily("aimux_score_cache_misses", "Texts that the model had to read.", self._misses)
        yield CounterMetricFamily("aimux_response_body_bytes", "Bytes of response bodies.", self._response_bytes)
        yield GaugeMetricFamily("aimux_requests_in_flight", "Requests that are being served.", self._live.in_flight)
        yield GaugeMetricFamily("aimux_workers", "Processes that serve.", 1)
        yield GaugeMetricFamily("aimux_ready", "Whether new requests are taken.", self._live.refusing is None)
        yield _counts("aimux_config_reloads", "Attempts to take a new configuration over.", ("outcome",), self._reloads)
        taken = "Whether the last attempt to take a configuration over succeeded."
        yield GaugeMetricFamily("aimux_config_last_reload_successful", taken, self._last_reload)
        wrong = "Tokens that were sent and prove no operator."
        yield CounterMetricFamily("aimux_operator_wrong_tokens", wrong, self._wrong_tokens)
        commands = "Commands of operators, by what became of them."
        yield _counts("aimux_commands", commands, ("command", "verdict"), self._commands)
        yield from _acknowledged(self._serving())
        if self._audit is not None:
            yield from _audited(self._audit)
        if self._index is not None:
            yield from _indexed(self._index)
        for name, (text, labels) in self._infos.items():
            info = GaugeMetricFamily(f"aimux_{name}_info", text, labels=tuple(labels))
            info.add_metric(tuple(labels.values()), 1)
            yield info


def _acknowledged(serving: Serving) -> Iterator[Metric]:
    worker = str(serving.worker)
    standing = GaugeMetricFamily(
        "aimux_worker_standing_version", "Version of the standing that a worker has acknowledged.", labels=("worker",)
    )
    standing.add_metric((worker,), serving.standing)
    yield standing
    config = GaugeMetricFamily(
        "aimux_worker_config_info", "The configuration that a worker serves by.", labels=("worker", "digest")
    )
    config.add_metric((worker, (serving.config or "")[:12]), 1)
    yield config


def _audited(audit: AuditLog) -> Iterator[Metric]:
    counts = audit.counts
    yield GaugeMetricFamily("aimux_audit_writable", "Whether the audit log can be written.", audit.writable)
    yield CounterMetricFamily("aimux_audit_records", "Records of the audit log.", counts.records)
    unrecorded = "Requests that were refused unrecorded, while the audit log could not be written."
    yield CounterMetricFamily("aimux_audit_unrecorded", unrecorded, counts.unrecorded)
    yield GaugeMetricFamily("aimux_audit_intact", "Whether the audit log's files are as they were left.", audit.intact)
    done = "Files of the audit log that others had changed, by what became of them and what was done."
    incidents: dict[Labels, int] = {
        (outcome.value, harm.value): count for (outcome, harm), count in counts.incidents.items()
    }
    yield _counts("aimux_audit_incidents", done, ("outcome", "harm"), incidents)
    failures = "Checkpoints of the audit log that could not be written where they belong."
    yield CounterMetricFamily("aimux_audit_checkpoint_failures", failures, counts.checkpoint_failures)


def _indexed(index: IndexWatch) -> Iterator[Metric]:
    well = "Whether the audit log's index answers and goes on."
    yield GaugeMetricFamily("aimux_audit_index_ok", well, index.problem is None)
    behind = "Bytes of the audit log that are not in its index yet."
    yield GaugeMetricFamily("aimux_audit_index_behind_bytes", behind, index.behind)


def _counts(name: str, text: str, labels: Sequence[str], counted: Mapping[Labels, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counted.items():
        family.add_metric(values, count)
    return family


def _durations(name: str, text: str, labels: Sequence[str], of: Mapping[Labels, _Durations]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, durations in of.items():
        buckets = list(zip(_BOUNDS, accumulate(map(float, durations.counts)), strict=True))
        family.add_metric(values, buckets, durations.total)
    return family


def _agent_label(record: Record) -> str:
    if record.principal is None:
        return UNIDENTIFIED
    return record.principal.agent or ANONYMOUS
