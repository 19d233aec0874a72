"""Writes the old log: three runs of the older gateway, two of which are killed in the middle of their requests."""

import json
import os
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from e2e_support.client import Aborted, Client
from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

from old_log import traffic
from old_log.mesh import config

CHAINS = (1, 2)
EVERY_VERDICT = frozenset(
    {
        *("forward", "fallback", "answered", "client_left", "draining", "request_timeout"),
        *("bad_request", "identity_malformed", "no_text", "unknown_agent", "route_forbidden", "anonymous_forbidden"),
        *("guard_refused", "no_route", "ambiguous_route", "body_too_large", "text_too_long", "target_too_long"),
        *("unsupported_encoding", "headers_too_large"),
        *("upstream_unreachable", "upstream_invalid", "upstream_timeout"),
    }
)
"""What the log has at least one request of."""
EVERY_KIND = frozenset({"opened", "closed", "configuration", "repaired", "trimmed", "decision", "outcome"})
_LEFT = {("client_left", "client_left"), ("forward", "client_left"), ("forward", "truncated")}
EVERY_END = frozenset({"completed", "client_left", "upstream_failed", "truncated"})


def write_log(folder: Path, key: Path, environment: Mapping[str, str]) -> Path:
    """Write a log of two chains that ends in a torn line, and return its folder."""
    with _upstream() as upstream, _dead_port() as dead:
        place = folder / "writer.yaml"

        def settings(**more: Any) -> Config:
            return config(upstream.url, f"http://127.0.0.1:{dead}", key, segment_size="8KiB", **more)

        # Nothing is signed until the end of this run, so that its last record can be torn.
        log = _first_run(Gateway(write_config(place, settings(checkpoint_interval=3600)), environment=environment))
        _tear_last(log, 1)
        # Less than the larger chain has, and by less than a segment, so that its oldest goes.
        share = max(sum(each.stat().st_size for each in segments(log, chain)) for chain in CHAINS) - 2048
        smaller = {"checkpoint_interval": 0.2, "keep_size": share * len(CHAINS)}
        again = Gateway(write_config(place, settings(**smaller)), environment=environment)
        _second_run(again, settings(guarded=False, **smaller))
        last = settings(text="full", checkpoint_interval=0.2)
        _last_run(Gateway(write_config(place, last), environment=environment))
        _begin_line(log, 2)
    check_coverage(log)
    return log


@contextmanager
def _upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    upstream.handler = traffic.answer
    try:
        yield upstream
    finally:
        upstream.close()


@contextmanager
def _dead_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


# The runs.


def _first_run(gateway: Gateway) -> Path:
    """Everything that can become of a request; killed with requests under way in both chains."""
    with _running(gateway):
        while not all(len(segments(gateway.audit, chain)) > 1 for chain in CHAINS):
            list(traffic.send(gateway.port, traffic.filler()))
        _send_all(gateway, traffic.permitted(), {200})
        _send_all(gateway, traffic.noted(), {200})
        _send_all(gateway, traffic.refused(), set(range(400, 600)) | {200})
        _send_all(gateway, traffic.failing(), {502, 504})
        traffic.break_off(gateway.port)
        until(lambda: set(_ends(gateway.audit)) >= _LEFT, "the records of clients that left")
        _kill_under_way(gateway)
    return gateway.audit


def _second_run(gateway: Gateway, reloaded: Config) -> None:
    """Goes on behind the torn line, removes what is too much, takes over a configuration, and is stopped while busy."""
    with _running(gateway):
        until(lambda: "trimmed" in _kinds(gateway.audit), "a segment that is removed")
        _send_all(gateway, traffic.permitted()[:9], {200})
        assert gateway.reload(reloaded)["event"] == "reloaded"
        _send_all(gateway, traffic.permitted()[-6:], {200})
        _send_all(gateway, traffic.refused()[11:17], set(range(400, 500)) | {200})
        _stop_while_busy(gateway)
        assert gateway.wait_exit() == 0, gateway.stderr


def _last_run(gateway: Gateway) -> None:
    """Whole texts are recorded; killed with requests under way."""
    with _running(gateway):
        _send_all(gateway, traffic.permitted()[-9:], {200})
        _send_all(gateway, traffic.refused()[:4], {403})
        _kill_under_way(gateway)


def _send_all(gateway: Gateway, requests: list[bytes], expected: set[int]) -> None:
    for request, response in zip(requests, traffic.send(gateway.port, requests), strict=True):
        assert response.status in expected, (request, response)


@contextmanager
def _running(gateway: Gateway) -> Iterator[None]:
    """The gateway is ready at the beginning, and has ended at the end."""
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        yield
    finally:
        if gateway.alive:
            _kill(gateway)
        gateway.expected_exit = None
        gateway.close()


def _kill_under_way(gateway: Gateway) -> None:
    """Kill all processes while each chain has decisions without an outcome."""
    with ExitStack() as held:
        number = 0
        while not all(_is_under_way(gateway.audit, chain) for chain in CHAINS):
            client = held.enter_context(Client(gateway.port))
            client.send(traffic.begun(number))
            client.read_head()
            number += 1
            assert number < 100, "a worker gets no requests"
        _kill(gateway)


def _kill(gateway: Gateway) -> None:
    for process in (gateway.pid, *gateway.workers()):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    gateway.wait_exit()


def _stop_while_busy(gateway: Gateway) -> None:
    """Tell it to stop while a request is under way, and send others until one is refused for that."""
    with Client(gateway.port) as busy:
        busy.send(traffic.begun(0))
        busy.read_head()
        gateway.signal()
        gateway.wait_event("draining")
        until(lambda: _is_refused(gateway.port), "a request that is refused since the gateway stops")


def _is_refused(port: int) -> bool:
    try:
        return next(traffic.send(port, traffic.permitted()[:1])).status == 503
    except (ConnectionError, Aborted):  # the worker without a request under way has ended
        return False


# The files.


def segments(log: Path, chain: int) -> list[Path]:
    """The files of a chain's records, the oldest first."""
    return sorted((log / f"chain-{chain}").glob("*[0-9].jsonl"))


def _kinds(log: Path) -> Counter[str]:
    return Counter(record["kind"] for chain in CHAINS for record in records(log, chain))


def _ends(log: Path) -> Counter[tuple[str, str]]:
    """How requests ended, with their verdicts."""
    found = [record for chain in CHAINS for record in records(log, chain) if record["kind"] == "outcome"]
    return Counter((record["verdict"], record["ended"]) for record in found)


def records(log: Path, chain: int) -> list[dict[str, Any]]:
    """The whole records of a chain, which may be being written."""
    lines = [line for path in segments(log, chain) for line in path.read_bytes().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def _is_under_way(log: Path, chain: int) -> bool:
    """Whether the chain's last decisions have no outcome, two of them so that one can be torn."""
    found = records(log, chain)[-2:]
    return [record["kind"] for record in found] == ["decision", "decision"]


def _tear_last(log: Path, chain: int) -> None:
    """Cut the last record in two, as a crash may."""
    path = segments(log, chain)[-1]
    data = path.read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    os.truncate(path, last + (len(data) - last) // 2)


def _begin_line(log: Path, chain: int) -> None:
    """Leave the beginning of the record that would follow, as a crash may."""
    last = segments(log, chain)[-1]
    with last.open("ab") as file:
        file.write(b'{"seq":%d,"prev":"' % (records(log, chain)[-1]["seq"] + 1))


def check_coverage(log: Path) -> None:
    """Check that the log has one of everything. The torn line at its end is none."""
    found = [record for chain in CHAINS for record in records(log, chain)]
    outcomes = [record for record in found if record["kind"] == "outcome"]
    seen = {record["kind"] for record in found} | {record[name] for record in outcomes for name in ("verdict", "ended")}
    lacking = (EVERY_KIND | EVERY_VERDICT | EVERY_END) - seen
    assert not lacking, f"the log lacks {sorted(lacking)}"


def keep(log: Path, place: Path) -> None:
    """Copy what makes the log: segments, checkpoints, what was torn, the public key; nothing that is made from them."""
    for path in sorted([*log.glob("chain-*/*.jsonl"), *log.glob("chain-*/*.bin"), log / "signing-key.pub.pem"]):
        copied = place / path.relative_to(log)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
