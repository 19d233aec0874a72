"""The example agents as processes: which route leads to which of them, and what they say that they have answered."""

import re
from dataclasses import dataclass
from pathlib import Path

from aimux.demo.agents.serving import ANSWERED
from aimux.demo.processes import Child, Children, StartError

AGENT_OF_ROUTE = {
    "math": "math",
    "finance": "finance",
    "admin": "admin",
    "public-api": "directory",
    "health": "status",
    "fallback": "assistant",
}
_START_SECONDS = 20.0
_LISTENING = re.compile(r" agent on http://\S+:([0-9]+)\n")


@dataclass(frozen=True, slots=True)
class Berth:
    """An example agent and where it is to listen; port 0 lets the system choose."""

    agent: str
    host: str = "127.0.0.1"
    port: int = 0


class AgentProcess:
    """One example agent that runs. Its output file is its journal: a line for each request that reached it."""

    def __init__(self, children: Children, berth: Berth, directory: Path, *options: str) -> None:
        self.name = berth.agent
        self.berth = berth
        self._child: Child = children.start(
            f"the {berth.agent} agent",
            f"aimux.demo.agents.{berth.agent}",
            "--host",
            berth.host,
            "--port",
            str(berth.port),
            *options,
            output=directory / f"{berth.agent}.{berth.port}.log",
        )

    def wait(self) -> int:
        """Wait until it listens, and give its port. Raises StartError."""
        self._child.wait_until(lambda: self._port() is not None, _START_SECONDS)
        port = self._port()
        if port is None:
            raise StartError(f"{self._child.name} gave no port")
        return port

    def answered(self) -> int:
        """How many requests have reached it."""
        return sum(line.startswith(ANSWERED) for line in self._child.printed().splitlines())

    def kill(self) -> None:
        """End it without warning."""
        self._child.kill()

    def _port(self) -> int | None:
        found = _LISTENING.findall(self._child.printed())
        return int(found[-1]) if found else None
