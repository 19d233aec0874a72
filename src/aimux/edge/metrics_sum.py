"""Metrics of several processes as one: taken apart to be sent, added up, and written as Prometheus reads them."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

# A process that has ended still counts in what only ever grows.
_GROWING: Final = frozenset({"counter", "histogram"})
# What is true of all only if it is true of each, and what one process has as well as all.
_LEAST: Final = frozenset(
    {
        "aimux_ready",
        "aimux_audit_writable",
        "aimux_audit_intact",
        "aimux_config_last_reload_successful",
        "aimux_build_info",
        "aimux_config_info",
        "aimux_model_info",
        "process_start_time_seconds",
        "process_max_fds",
    }
)

# What every process counts of the same thing.
_GREATEST: Final = frozenset({"aimux_config_reloads"})

Families = list[Any]
"""`[name, help, kind, [[sample, {label: value}, number], ...]]` a family: what JSON can carry."""


def taken_apart(metrics: Iterable[Metric]) -> Families:
    """The metrics of one process."""
    return [
        [m.name, m.documentation, m.type, [[s.name, dict(s.labels), float(s.value)] for s in m.samples]]
        for m in metrics
    ]


def growing(families: Families) -> Families:
    """What still counts of a process that has ended."""
    return [family for family in families if family[2] in _GROWING]


def added(processes: Iterable[Families]) -> Families:
    """The metrics of several processes as those of one."""
    sums: dict[str, tuple[str, str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for families in processes:
        for name, text, kind, samples in families:
            _, _, values = sums.setdefault(name, (text, kind, {}))
            for sample, labels, number in samples:
                key = (sample, tuple(labels.items()))
                if key not in values:
                    values[key] = number
                elif name in _LEAST:
                    values[key] = min(values[key], number)
                elif name in _GREATEST:
                    values[key] = max(values[key], number)
                else:
                    values[key] += number
    return [
        [name, text, kind, [[sample, dict(labels), number] for (sample, labels), number in values.items()]]
        for name, (text, kind, values) in sums.items()
    ]


def page(families: Families) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Put(families))
    return generate_latest(registry)


class _Put(Collector):
    """Metrics put together again."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for name, text, kind, samples in self._families:
            metric = Metric(name, text, kind)
            for sample, labels, number in samples:
                metric.add_sample(sample, labels, number)
            yield metric
