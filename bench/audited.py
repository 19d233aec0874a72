"""The probe of what recording every request costs: the same gateway with its audit log, over one without."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import AUDIT, AUDIT_ALWAYS, AUDIT_OS, Measured
from bench.sample import Sample
from bench.servers import Gateway, Server, start
from bench.throughput import Load, all_seen

OFF: Final[Mapping[str, Any]] = {"enabled": False}
ON: Final[Mapping[str, Mapping[str, Any]]] = {AUDIT_OS: {"sync": "os"}, AUDIT_ALWAYS: {"sync": "always"}}
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Audited:
    """The throughput with an audit log, times that without: texts seen before.

    Each is loaded a little at a time and in turns, so that what else the machine does meets all of them alike.
    """

    sample: Sample
    upstream: int
    core: int
    load: Load
    directory: Path

    title = "the audit log"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load one without a log, and one with each kind."""
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(start(self._recipe(name, audit), self.core, self.directory))
                for name, audit in {"off": OFF, **ON}.items()
            }
            for server in servers.values():
                self.load.on(server, 1)
            requests = dict.fromkeys(servers, 0.0)
            for _ in range(_PARTS):
                for name, server in servers.items():
                    requests[name] += self._rate(server, max(seconds // 2, 1))
        for name in ON:
            yield Measured(AUDIT, name, requests[name] / requests["off"])

    def _recipe(self, name: str, audit: Mapping[str, Any]) -> Gateway:
        return Gateway(f"audit-{name.rpartition(' ')[2]}", self.sample, self.upstream, audit=audit)

    def _rate(self, server: Server, seconds: int) -> float:
        with all_seen(server):
            outcome = self.load.on(server, seconds)
        return outcome.requests / outcome.seconds
