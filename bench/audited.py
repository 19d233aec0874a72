"""The probe of what recording every request costs: the same gateway with its audit log, over one without."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import AUDIT, AUDIT_ALWAYS, AUDIT_OS, Measured
from bench.sample import Sample
from bench.servers import Gateway, Server, start
from bench.throughput import Load, all_seen, show

_OFF: Final = "off"
OFF: Final[Mapping[str, Any]] = {"enabled": False}
ON: Final[Mapping[str, Mapping[str, Any]]] = {AUDIT_OS: {"sync": "os"}, AUDIT_ALWAYS: {"sync": "always"}}


@dataclass(frozen=True, slots=True)
class Audited:
    """The throughput with an audit log, times that without: texts seen before.

    They share one core. Only one is loaded at a time; what builds the others' indexes takes what it leaves over.
    """

    sample: Sample
    upstream: int
    core: int
    load: Load
    directory: Path

    title = "the audit log"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load them by short turns, so that a machine which is slower for a while is slower for all of them."""
        recipes = {name: self._recipe(name, audit) for name, audit in {_OFF: OFF, **ON}.items()}
        with ExitStack() as running:
            servers = {
                name: running.enter_context(start(recipe, self.core, self.directory))
                for name, recipe in recipes.items()
            }
            for server in servers.values():
                show(server, self.load)
            served = dict.fromkeys(servers, 0.0)
            for _ in range(max(seconds, 1)):
                for name, server in servers.items():
                    served[name] += self._served(server)
        for name in ON:
            yield Measured(AUDIT, name, served[name] / served[_OFF])

    def _recipe(self, name: str, audit: Mapping[str, Any]) -> Gateway:
        return Gateway(f"audit-{name.rpartition(' ')[2]}", self.sample, self.upstream, audit=audit)

    def _served(self, server: Server) -> float:
        """Requests a second in a turn of one second, of texts seen before."""
        with all_seen(server):
            outcome = self.load.on(server, 1)
        return outcome.requests / outcome.seconds
