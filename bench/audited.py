"""The probe of what recording every request costs: the same gateway with its audit log, over one without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import AUDIT, AUDIT_ALWAYS, AUDIT_OS, Measured
from bench.sample import Sample
from bench.servers import Gateway, Server, start
from bench.throughput import Load, all_seen

OFF: Final[Mapping[str, Any]] = {"enabled": False}
ON: Final[Mapping[str, Mapping[str, Any]]] = {AUDIT_OS: {"sync": "os"}, AUDIT_ALWAYS: {"sync": "always"}}


@dataclass(frozen=True, slots=True)
class Audited:
    """The throughput with an audit log, times that without: texts seen before.

    Each has the core to itself while it is loaded, together with the process that builds its index.
    """

    sample: Sample
    upstream: int
    core: int
    load: Load
    directory: Path

    title = "the audit log"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load one without a log, and one with each kind."""
        rates = {}
        for name, audit in {"off": OFF, **ON}.items():
            with start(self._recipe(name, audit), self.core, self.directory) as server:
                self.load.on(server, 1)
                rates[name] = self._rate(server, seconds)
        for name in ON:
            yield Measured(AUDIT, name, rates[name] / rates["off"])

    def _recipe(self, name: str, audit: Mapping[str, Any]) -> Gateway:
        return Gateway(f"audit-{name.rpartition(' ')[2]}", self.sample, self.upstream, audit=audit)

    def _rate(self, server: Server, seconds: int) -> float:
        with all_seen(server):
            outcome = self.load.on(server, seconds)
        return outcome.requests / outcome.seconds
