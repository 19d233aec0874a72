"""Where a story is played: a gateway and the example agents as processes of their own, on free ports."""

import json
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Protocol

from aimux.demo.client import send
from aimux.demo.fleet import AGENT_OF_ROUTE, AgentProcess, Berth
from aimux.demo.processes import Child, Children, StartError
from aimux.demo.steps import Call, Event, Prop

MODEL_PATH = "AIMUX_SEMANTIC_ENGINE__MODEL_PATH"
DEFAULT_MODEL = "models/all-MiniLM-L6-v2.onnx"
START_SECONDS = 60.0


class Stage(Protocol):
    """What a player needs."""

    @property
    def port(self) -> int:
        """Where the gateway listens, on the loopback interface."""

    def answered(self) -> Mapping[str, int]:
        """How many requests have reached each agent."""

    def happen(self, event: Event) -> None:
        """Make an event happen, and wait until it has."""


class LiveStage:
    """The real gateway in front of the real example agents. Everything ends with `children`."""

    def __init__(self, children: Children, directory: Path, pace: float) -> None:
        self._children = children
        self._directory = directory
        self._options = ("--pace", str(pace))
        self._agents = {name: self._start(Berth(name)) for name in AGENT_OF_ROUTE.values()}
        self._ports = {name: agent.wait() for name, agent in self._agents.items()}
        self.config = directory / "aimux.yaml"
        self.config.write_text(mesh(self._ports))
        self.env = environment(os.environ)
        self._gateway = children.start(
            "the gateway", "aimux", "run", "--config", str(self.config), output=directory / "gateway.log", env=self.env
        )
        self.port = 0

    def wait(self) -> None:
        """Wait until the gateway is ready. Raises StartError."""
        self._gateway.wait_until(self._is_ready, START_SECONDS)

    def answered(self) -> Mapping[str, int]:
        """How many requests have reached each agent, by their journals."""
        return {name: agent.answered() for name, agent in self._agents.items()}

    def happen(self, event: Event) -> None:
        """Kill an agent, or start it again where it was."""
        if event.prop is Prop.KILL:
            self._agents[event.agent].kill()
            return
        self._agents[event.agent] = self._start(Berth(event.agent, port=self._ports[event.agent]))
        self._agents[event.agent].wait()

    def explain(self) -> str:
        """The gateway's last lines, where it has ended; empty while it runs."""
        if self._gateway.exit_code is None:
            return ""
        return f"the gateway ended with exit code {self._gateway.exit_code}:\n{self._gateway.last_lines()}"

    def _start(self, berth: Berth) -> AgentProcess:
        return AgentProcess(self._children, berth, self._directory, *self._options)

    def _is_ready(self) -> bool:
        self.port = self.port or listening_port(self._gateway)
        return self.port != 0 and send(self.port, Call("/readyz")).status == 200


def mesh(ports: Mapping[str, int]) -> str:
    """The story's configuration, with the agents on these ports."""
    return Template(files("aimux.demo").joinpath("mesh.yaml").read_text()).substitute(ports)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the story's gateway: only the model may be set from outside, relative to where one stands."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AIMUX_")}
    model = Path(environ.get(MODEL_PATH, DEFAULT_MODEL)).absolute()
    return kept | {MODEL_PATH: str(model), "PYTHONUNBUFFERED": "1"}


def listening_port(gateway: Child) -> int:
    """The port that a gateway says in its JSON log that it listens on; 0 until it has."""
    for line in gateway.printed().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "listening":
            return int(str(event["url"]).rpartition(":")[2])
    return 0


def set_up(children: Children, directory: Path, pace: float) -> LiveStage:
    """A stage, ready to play on. Raises StartError."""
    try:
        stage = LiveStage(children, directory, pace)
    except OSError as error:
        raise StartError(f"the demo cannot start its processes: {error}") from error
    stage.wait()
    return stage
