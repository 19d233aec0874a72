"""The repository's sample configuration, as the benchmark runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench import BenchError

_SECTIONS: Final = ("server", "logging", "semantic_engine", "agents", "routes", "fallback")
STREAMS_ROUTE: Final = "streams"
LARGEST_BODY: Final = 2**30


@dataclass(frozen=True, slots=True)
class Sample:
    """A configuration file's content, the directory that its paths are relative to, and the agent that calls."""

    content: Mapping[str, Any]
    home: Path
    agent: str

    @classmethod
    def load(cls, file: Path) -> "Sample":
        """Read a configuration. Raises BenchError where it is no sample, or no agent may use all of its routes."""
        content = yaml.safe_load(file.read_text())
        if lacking := [name for name in _SECTIONS if name not in content]:
            raise BenchError(f"{file.name} has no section {', '.join(lacking)}: the benchmark needs the whole sample")
        for agent in content["agents"]:
            if all(_allows(route, agent) for route in [*content["routes"], content["fallback"]]):
                return cls(content, file.parent, agent)
        raise BenchError(f"no agent of {file.name} may use all of its routes: the benchmark needs one that may")

    @property
    def model(self) -> Path:
        """The embedding model's ONNX file."""
        return Path(self.home, self.content["semantic_engine"]["model_path"]).resolve()

    def configuration(
        self,
        port: int,
        upstream: int,
        streams: int | None = None,
        workers: int = 1,
        audit: Mapping[str, Any] | None = None,
    ) -> str:
        """The same configuration with every route leading to one upstream, and no text refused.

        Texts that two routes are close to would be answered with 409, and a refusal is not the full way. Where there is
        an upstream of streams, one route more leads to it, by name only, and bodies may be large.
        """
        address = f"http://127.0.0.1:{upstream}"
        large = {} if streams is None else {"max_body_bytes": LARGEST_BODY}
        extra = [] if streams is None else [{"name": STREAMS_ROUTE, "upstream": f"http://127.0.0.1:{streams}"}]
        engine = {**self.content["semantic_engine"], "model_path": str(self.model), "ambiguity_threshold": 0}
        changed = {
            **self.content,
            "server": {**self.content["server"], "host": "127.0.0.1", "port": port, "workers": workers, **large},
            "semantic_engine": engine,
            "audit": dict(audit or {}),
            "routes": [{**route, "upstream": address} for route in self.content["routes"]] + extra,
            "fallback": {**self.content["fallback"], "upstream": address},
        }
        return yaml.safe_dump(changed, sort_keys=False)


def _allows(route: Mapping[str, Any], agent: str) -> bool:
    return "allowed" not in route or "*" in route["allowed"] or agent in route["allowed"]
