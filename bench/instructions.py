"""`python -m bench.instructions`: instructions that the gateway executes for a request, counted by callgrind.

    python -m bench.instructions [--against PYTHON] [--kinds seen refused new]

Seconds are too noisy to see a few per cent; instructions are not. A fixed script of 2,000 requests goes over one
connection. `seen`: texts seen before, as queries, JSON, conversations, refusals, routes by name. `refused`: refusals
alone. `new`: every text is another one, which the model reads; that takes a quarter of an hour. `PYTHON` is the
interpreter of another checkout's virtual environment, whose gateway gets the same requests in the same run.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from bench import ROOT, BenchError
from bench.machine import free_port
from bench.tools import path_of

REQUESTS: Final = 2000
_PATIENCE: Final = 600.0
# Timers run by the clock, and a slow machine would count more of them: so much idle time tells their share.
_IDLE: Final = 10.0
_TOTALS: Final = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
_CHAT: Final = (
    b'{"model": "gpt-4", "messages": [{"role": "system", "content": "You are a helpful assistant."}, '
    b'{"role": "user", "content": "what is the forecast of revenue"}, {"role": "assistant", "content": "It grows."}, '
    b'{"role": "user", "content": "analyze the budget of the last quarter"}]}'
)


def main(arguments: Sequence[str]) -> int:
    """Count, and print a line a gateway; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="PYTHON", help="interpreter of another checkout's environment")
    parser.add_argument("--kinds", nargs="+", choices=SCRIPTS, default=["seen", "refused"], metavar="KIND")
    options = parser.parse_args(arguments)
    try:
        for kind in options.kinds:
            own = count(Path(sys.executable), kind)
            _say(f"{kind}: instructions a request: {own:,.0f}")
            if options.against is not None:
                other = count(options.against, kind)
                _say(f"{kind}: those of the other:     {other:,.0f}; this is {own / other:.4f} of it")
    except (BenchError, OSError) as error:
        sys.stderr.write(f"bench.instructions: {error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def count(python: Path, kind: str = "seen") -> float:
    """Instructions that the gateway of this interpreter's environment executes for each request of a script."""
    with TemporaryDirectory() as folder, _upstream() as upstream:
        port = free_port()
        config = Path(folder) / "aimux.yaml"
        config.write_text(yaml.safe_dump(_config(port, upstream)))
        command = [path_of("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/out", "-q"]
        command += [str(python), "-m", "aimux", "run", "--config", str(config)]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603  (our own words)
        try:
            connection = _connect(port, process)
            warming, script = SCRIPTS[kind]
            for request in warming():
                _ask(connection, request)
            requests = [request for request, _ in zip(cycle(script()), range(REQUESTS), strict=False)]
            _control("--zero", process.pid)
            started = time.monotonic()
            for request in requests:
                _ask(connection, request)
            took = time.monotonic() - started
            _control("--dump", process.pid)
            time.sleep(_IDLE)
            _control("--dump", process.pid)
        finally:
            process.terminate()
            process.wait(60)
        served, idle = _dumped(Path(folder))
        return (served - idle * took / _IDLE) / REQUESTS


def seen() -> Iterator[bytes]:
    """Requests that come again and again."""
    yield b"GET /?client_id=finance-bot&q=analyze+revenue HTTP/1.1\r\nHost: gateway\r\n\r\n"
    yield b"GET /?client_id=finance-bot&q=reset+the+database HTTP/1.1\r\nHost: gateway\r\n\r\n"
    agent = b"X-Source-Agent: finance-bot\r\n"
    for text in (b"analyze revenue", b"forecast the revenue of next year", b"quarterly earnings of the company"):
        yield _post(b"/", agent, b'{"query": "%b"}' % text)
    for extra in (b"", b"User-Agent: OpenAI/Python 3.57.0\r\nAccept: application/json\r\n"):
        yield _post(b"/v1/chat/completions", agent + extra, _CHAT)
    yield _post(b"/v1/files", agent + b"X-AIMux-Route: finance\r\n", b'{"purpose": "batch"}')
    yield _post(b"/", b"", b'{"agent": "finance-bot", "prompt": "analyze budget"}')
    yield b"GET /?q=hello+there HTTP/1.1\r\nHost: gateway\r\n\r\n"


def refused() -> Iterator[bytes]:
    """Requests that are refused, each for another reason; they come again and again."""
    yield b"GET /?client_id=finance-bot&q=reset+the+database HTTP/1.1\r\nHost: gateway\r\n\r\n"
    yield b"GET /?client_id=stranger&q=analyze+revenue HTTP/1.1\r\nHost: gateway\r\n\r\n"
    yield b"GET /?q=reset+the+database HTTP/1.1\r\nHost: gateway\r\n\r\n"
    agent = b"X-Source-Agent: finance-bot\r\n"
    yield _post(b"/", agent + b"X-AIMux-Route: nowhere\r\n", b'{"purpose": "batch"}')
    yield _post(b"/", agent, b'{"query": "reset the database"}')
    yield _post(b"/", b"", b'{"agent": "finance-bot", "prompt": "delete users"}')
    yield _post(b"/", agent, b'{"query": "analyze the budget and then delete users"}')
    yield _post(b"/", agent, b'{"query": ')


def new() -> Iterator[bytes]:
    """As many requests as a run has, of texts that differ."""
    for number in range(REQUESTS):
        text = b"analyze the budget of branch %d for the %dth quarter" % (number, number % 97)
        yield _post(b"/", b"X-Source-Agent: finance-bot\r\n", b'{"query": "%b"}' % text)


SCRIPTS: Final = {"seen": (seen, seen), "refused": (refused, refused), "new": (seen, new)}
"""What is sent before counting begins, and what is counted."""


def _post(path: bytes, headers: bytes, body: bytes) -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n" % path
    return head + headers + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _config(port: int, upstream: int) -> dict[str, object]:
    url = f"http://127.0.0.1:{upstream}"
    return {
        "server": {"port": port},
        "semantic_engine": {"model_path": str(ROOT / "models" / "all-MiniLM-L6-v2.onnx")},
        "agents": ["finance-bot", "admin-bot"],
        "routes": [
            {
                "name": "finance",
                "upstream": url,
                "intents": ["analyze budget", "forecast revenue", "quarterly earnings"],
                "allowed": ["finance-bot", "admin-bot"],
            },
            {"name": "admin", "upstream": url, "intents": ["delete users", "reset database"], "allowed": ["admin-bot"]},
        ],
        "fallback": {"upstream": url},
    }


def _connect(port: int, process: "subprocess.Popen[bytes]") -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError("the gateway ended before it served: is valgrind installed, and the model there?")
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        except OSError:
            time.sleep(0.5)
            continue
        if b" 200 " in _ask(connection, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            return connection
        connection.close()
        time.sleep(0.5)
    raise BenchError("the gateway did not become ready")


def _ask(connection: socket.socket, request: bytes) -> bytes:
    """Send a request, and read the whole answer."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _received(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)[0])
    while len(body) < length:
        body += _received(connection)
    return head


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise BenchError("the gateway closed the connection")
    return data


def _control(what: str, pid: int) -> None:
    command = [path_of("callgrind_control"), what, str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    if done.returncode or "Error" in done.stdout + done.stderr:
        raise BenchError(f"callgrind_control {what}: {(done.stdout + done.stderr).strip()}")


def _dumped(folder: Path) -> tuple[int, int]:
    """The instructions of the requests, and of the idle time after them. The last dump is that of the gateway's end."""
    dumps = sorted(folder.glob("out.*"), key=lambda path: path.stat().st_mtime_ns)
    if len(dumps) < 2:
        raise BenchError("callgrind wrote no dump")
    served, idle = (int(_TOTALS.findall(dump.read_text())[0]) for dump in dumps[:2])
    return served, idle


@contextmanager
def _upstream() -> Iterator[int]:
    """An upstream that answers each request at once, outside of what is counted; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def _serve(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    received = b""
    with connection:
        while data := connection.recv(65536):
            received += data
            head, end, body = received.partition(b"\r\n\r\n")
            length = re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)
            if end and len(body) >= int(length[0] if length else 0):
                received = b""
                connection.sendall(_ANSWER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
