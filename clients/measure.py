"""Brings each client into each situation, two clients at a time, and keeps what was seen."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Final

from clients import ClientsError
from clients.driver import ClientProcess, Sight
from clients.environments import Environment
from clients.gateway import RunningGateway, gateways
from clients.pins import PinnedClient
from clients.situations import Situation
from clients.turns import users_texts
from clients.upstream.server import ScriptedUpstream

_AT_ONCE: Final = 2

Tell = Callable[[str], None]
Installed = tuple[PinnedClient, Environment]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What came of a situation: requests at the gateway and past it, and what the client's user saw.

    `written` are texts under the user's name that its user has not written.
    """

    requests: int
    past: int
    sight: Sight
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """A client and what came of each situation, by its title. `problem` says why there is nothing."""

    name: str
    versions: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    seen: dict[str, Sighting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stand:
    """An upstream and the gateways in front of it, for one client at a time."""

    upstream: ScriptedUpstream
    gateways: dict[str, RunningGateway]

    def play(self, process: ClientProcess, situation: Situation) -> Sighting:
        """Bring a client into a situation. Raises ClientsError."""
        gateway = self.gateways[situation.gateway]
        before, past = gateway.requests(), self.upstream.past_the_gateway
        self.upstream.bodies.clear()
        sight = process.do(situation.task(gateway.url))
        texts = [text for body in list(self.upstream.bodies) for text in users_texts(body)]
        written = tuple(dict.fromkeys(text for text in texts if text.strip() != situation.text.strip()))
        return Sighting(gateway.requests() - before, self.upstream.past_the_gateway - past, sight, written)


class Session:
    """One run over some clients."""

    def __init__(self, situations: Sequence[Situation], tell: Tell) -> None:
        self._situations = situations
        self._tell = tell
        self._stopped = threading.Event()
        self._running: set[ClientProcess] = set()

    def run(self, clients: Sequence[Installed]) -> list[Observed]:
        """What each client saw, in their order. Raises ClientsError."""
        waiting: Queue[Installed] = Queue()
        for each in clients:
            waiting.put(each)
        with TemporaryDirectory(prefix="aimux-clients-") as folder, ThreadPoolExecutor(_AT_ONCE) as threads:
            places = [Path(folder) / str(number) for number in range(min(_AT_ONCE, len(clients)))]
            working = [threads.submit(self._work, waiting, place) for place in places]
            try:
                found = {each.name: each for work in working for each in work.result()}
            finally:
                # Interrupted, it does not wait for what clients are still trying.
                self._stopped.set()
                for process in list(self._running):
                    process.kill()
        return [found[client.name] for client, _ in clients]

    def _work(self, waiting: "Queue[Installed]", place: Path) -> list[Observed]:
        with ExitStack() as stack:
            upstream = stack.enter_context(ScriptedUpstream())
            names = dict.fromkeys(situation.gateway for situation in self._situations)
            stand = Stand(upstream, stack.enter_context(gateways(names, upstream.port, place)))
            return [self._observe(stand, *each) for each in self._taken(waiting)]

    def _taken(self, waiting: "Queue[Installed]") -> Iterable[Installed]:
        while not self._stopped.is_set():
            try:
                yield waiting.get_nowait()
            except Empty:
                return

    def _observe(self, stand: Stand, client: PinnedClient, environment: Environment) -> Observed:
        process = ClientProcess(client, environment)
        seen: dict[str, Sighting] = {}
        self._running.add(process)
        try:
            process.start()
            for situation in self._situations:
                if self._stopped.is_set():
                    break
                if situation.action in process.actions:
                    seen[situation.title] = stand.play(process, situation)
        except ClientsError as error:
            return Observed(client.name, dict(environment.versions), str(error), seen)
        finally:
            self._running.discard(process)
            process.stop()
        self._tell(
            f"{client.name}: {len(seen)} situations in {sum(each.sight.seconds for each in seen.values()):.0f} s"
        )
        return Observed(client.name, dict(environment.versions), None, seen)
