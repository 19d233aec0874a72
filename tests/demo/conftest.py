"""Agents that serve in a thread, and raw requests to them."""

import http.client
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

# The traffic beside a test of a fault is that of the end-to-end tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

from aimux.demo.agents.serving import Agent, AgentServer


@contextmanager
def _serving(agent: Agent, pace: float) -> Iterator[AgentServer]:
    with AgentServer(agent, ("127.0.0.1", 0), pace=pace, quiet=True) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., http.client.HTTPConnection]]:
    """Serves an agent and gives a connection to it."""
    with ExitStack() as stack:

        def start(agent: Agent, pace: float = 0.0) -> http.client.HTTPConnection:
            server = stack.enter_context(_serving(agent, pace))
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            stack.callback(connection.close)
            return connection

        yield start
