"""One benchmark: its settings, the test bed that it builds, and its rounds."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aimux import __version__
from aimux.intent.model import locate
from bench import ROOT, ai_gateways, tools
from bench.audited import Audited
from bench.client import post
from bench.figures import AIMUX, ENVOY, NGINX, Measured, Rounds, Row
from bench.machine import Cores, Machine, describe, two_cores
from bench.peers import PEERS, find
from bench.probes import Calls, ManyIntents, NewCalls, Probe, Starts, started
from bench.sample import Sample
from bench.servers import Envoy, Gateway, Nginx, Recipe, Server, start
from bench.streams import Streams
from bench.texts import Supply, conversation
from bench.throughput import Chat, ChatAtGateway, Load, NewTexts, SeenTexts, SeenTextsAtGateway
from bench.transfers import Transfers
from bench.workers import TwoWorkers
from bench.wrk import CONNECTIONS

_SEEN_TEXTS: Final = 32

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured: rounds, seconds of load each, calls each; beside whom, and whether they may be fetched."""

    rounds: int
    seconds: int
    calls: int
    peers: tuple[str, ...] = tuple(PEERS)
    install: bool = True


FULL: Final = Settings(rounds=7, seconds=4, calls=2000)
QUICK: Final = Settings(rounds=2, seconds=1, calls=400, install=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, when, on what, and what was left out."""

    measured: str
    version: str
    machine: Machine
    settings: Settings
    connections: int
    rows: tuple[Row, ...]
    skipped: tuple[str, ...]


def run(settings: Settings, tell: Tell) -> Report:
    """Measure. Raises BenchError. Everything that was started has ended when this returns or raises."""
    tools.ensure()
    cores = two_cores()
    machine = describe(cores)
    sample = Sample.load(ROOT / "aimux.yaml")
    locate(sample.model)
    programs, skipped = _find(settings, tell)
    rounds = Rounds()
    # What runs here shares a core with the load, never with the process under test.
    os.sched_setaffinity(0, {cores.load})
    with TemporaryDirectory(prefix="aimux-bench-") as directory, ExitStack() as stack:
        bed = _Bed(Path(directory), cores, sample, stack)
        tell("starting the servers, and warming up those that need it")
        probes = bed.probes(programs.get(ENVOY), settings.calls)
        for probe, once in bed.ai_gateways(programs):
            rounds.add(once)
            probes.insert(0, probe)
        if settings.rounds > 1:
            tell("warming up")
            _round(probes[:-1], 1, 0, lambda _: None)
        for number in range(settings.rounds):
            rounds.add(_round(probes, settings.seconds, number, _numbered(tell, number, settings.rounds)))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(now, __version__, machine, settings, CONNECTIONS, rounds.rows(), skipped)


class _Bed:
    """The upstream, and in front of it every server that is measured."""

    def __init__(self, directory: Path, cores: Cores, sample: Sample, stack: ExitStack) -> None:
        self._directory = directory
        self._cores = cores
        self._sample = sample
        self._stack = stack
        self._supply = Supply()
        self._seen = list(self._supply.bodies(_SEEN_TEXTS))
        self._upstream = self._start(Nginx("upstream"), cores.load)
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        headers = ai_gateways.headers(self._upstream.port)
        self._chats = Load(directory / "chats.jsonl", sample.agent, cores, ai_gateways.CHAT_PATH, headers)
        _write(self._chats.bodies, (conversation(body, ai_gateways.MODEL) for body in self._seen))

    def ai_gateways(self, programs: Mapping[str, Path]) -> Iterator[tuple[Probe, list[Measured]]]:
        """Start and warm up each AI gateway: its probe, and what is measured once, since they start slowly."""
        for recipe in ai_gateways.recipes(programs, self._upstream.port):
            server = self._start(recipe, self._cores.tested)
            once = started(server)
            self._chats.on(server, recipe.warm_up)
            yield Chat(server, self._chats), once

    def probes(self, envoy: Path | None, calls: int) -> list[Probe]:
        """Start the other servers; all their probes. That of the starts is the last."""
        upstream, agent = self._upstream.port, self._sample.agent
        streams = self._listener.getsockname()[1]
        recipes: list[Recipe] = [Nginx(NGINX, upstream, streams), Gateway(AIMUX, self._sample, upstream, streams)]
        if envoy:
            recipes.append(Envoy(ENVOY, envoy, upstream))
        servers = [self._start(recipe, self._cores.tested) for recipe in recipes]
        nginx, gateway, *others = servers
        two = Gateway(AIMUX, self._sample, upstream, streams, workers=2)
        load = Load(self._directory / "seen.jsonl", agent, self._cores)
        _write(load.bodies, self._seen)
        fresh = Load(self._directory / "new.jsonl", agent, self._cores)
        return [
            SeenTexts(nginx, load),
            SeenTextsAtGateway(gateway, load),
            *(SeenTexts(server, load) for server in others),
            ChatAtGateway(gateway, self._chats),
            *(Chat(server, self._chats) for server in (nginx, *others)),
            NewTexts(gateway, fresh, self._supply, self._sample.model),
            NewCalls(self._upstream, gateway, fresh, self._supply, self._sample.model, calls // 10),
            Calls(self._upstream, servers, [post(body, agent) for body in self._seen], calls),
            Streams(self._listener, (nginx, gateway), recipes[:2], self._cores.tested, self._directory),
            Transfers((nginx, gateway), self._sample.content["routes"][0]["name"], agent),
            ManyIntents(fresh, self._supply, self._sample.model, calls // 20),
            TwoWorkers(gateway, two, load, fresh, self._supply, self._directory),
            Audited(self._sample, upstream, self._cores.tested, load, self._directory),
            Starts(recipes, self._cores.tested, self._directory),
        ]

    def _start(self, recipe: Recipe, core: int) -> Server:
        return self._stack.enter_context(start(recipe, core, self._directory))


def _write(bodies: Path, lines: Iterable[str]) -> None:
    bodies.write_text("".join(f"{line}\n" for line in lines))


def _round(probes: Sequence[Probe], seconds: int, number: int, tell: Tell) -> list[Measured]:
    """Every probe once, each round beginning with another one."""
    first = number % len(probes)
    measured: list[Measured] = []
    for probe in [*probes[first:], *probes[:first]]:
        tell(probe.title)
        measured.extend(probe.measure(seconds))
    return measured


def _numbered(tell: Tell, number: int, rounds: int) -> Tell:
    return lambda title: tell(f"round {number + 1} of {rounds}: {title}")


def _find(settings: Settings, tell: Tell) -> tuple[Mapping[str, Path], tuple[str, ...]]:
    """The programs of the peers, and why others are left out."""
    programs: dict[str, Path] = {}
    skipped = [f"{name}: not asked for" for name in PEERS if name not in settings.peers]
    for name in settings.peers:
        tell(f"looking for {name}")
        found = find(PEERS[name], install=settings.install)
        if isinstance(found, Path):
            programs[name] = found
        else:
            skipped.append(f"{name}: {found}")
    return programs, tuple(skipped)
