"""The playground and the demo as their users run them: gateway, agents and model are real, and nothing stays behind."""

import json
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo_support.programs import MARK, ROOT, SECONDS, environment, free_ports, marked, until

from aimux.demo.client import Reply, send
from aimux.demo.fleet import AGENT_OF_ROUTE
from aimux.demo.stage import MODEL_PATH, mesh
from aimux.demo.steps import Call
from aimux.demo.story import STORY

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `python ARGUMENTS...`; its output goes to the files out and err in the test's directory."""
    mark = uuid.uuid4().hex
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        env = environment(mark, tmp_path) | environ
        with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
            started.append(
                subprocess.Popen([sys.executable, *arguments], stdout=out, stderr=err, env=env, text=True, cwd=tmp_path)
            )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
    until(lambda: not marked(mark), "processes that were left behind")


@pytest.fixture
def printed(tmp_path: Path) -> Callable[[str], str]:
    """What the program has printed: `printed("out")` or `printed("err")`."""
    return lambda name: (tmp_path / name).read_text()


PORTS = dict(zip([*AGENT_OF_ROUTE.values(), "gateway"], free_ports(len(AGENT_OF_ROUTE) + 1), strict=True))
GATEWAY = PORTS.pop("gateway")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A mesh on ports that were free a moment ago."""
    path = tmp_path / "aimux.yaml"
    path.write_text(mesh(PORTS).replace("port: 0", f"port: {GATEWAY}"))
    return path


@pytest.fixture
def playground(start: Start, config: Path, printed: Callable[[str], str]) -> subprocess.Popen[str]:
    """A playground that is ready."""
    process = start("-m", "aimux.demo.playground", "--config", str(config))
    until(lambda: "The gateway is ready" in printed("out") or process.poll() is not None, "the banner")
    assert process.poll() is None, printed("err")
    return process


def get(target: str, **headers: str) -> Reply:
    return send(GATEWAY, Call(target, headers=headers))


def example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / name), "--url", f"http://127.0.0.1:{GATEWAY}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.usefixtures("playground")
def test_the_first_calls_of_the_playground_get_their_answers() -> None:
    assert get("/?q=what+is+50+times+3").document()["answer"] == "150"
    assert "1903" in str(get("/?client_id=finance-bot&q=analyze+revenue").document()["answer"])
    body = Call("/", "POST", {"X-Source-Agent": "finance-bot"}, b'{"query": "analyze revenue"}')
    assert send(GATEWAY, body).document()["agent"] == "finance"
    assert get("/?client_id=finance-bot&q=reset+the+database").status == 403


@pytest.mark.usefixtures("playground")
def test_the_example_clients_get_their_answers() -> None:
    whole = example("openai_chat.py", "analyze Q3 revenue")
    assert whole.stdout == "The revenue of Q3: 505 thousand euros, Q3 +12.7 % on Q2.\n"
    assert example("openai_chat.py", "--stream", "analyze Q3 revenue").stdout == whole.stdout
    refused = example("openai_chat.py", "reset the database")
    assert refused.returncode == 1
    assert refused.stderr.startswith("403 route_forbidden: ")
    plain = example("plain_client.py", "what is 50 times 3")
    assert json.loads(plain.stdout)["answer"] == "150"
    assert plain.stderr == "by route math\n"
    named = example("plain_client.py", "--agent", "admin-bot", "--route", "admin", "reset the budget database")
    assert json.loads(named.stdout)["asked_by"] == "admin-bot"
    unclear = example("plain_client.py", "--agent", "finance-bot", "reset the budget database")
    assert unclear.returncode == 1
    assert unclear.stderr.startswith("409 ambiguous_route: ")
    assert unclear.stderr.endswith("name one with --route: finance\n")


@pytest.mark.parametrize("name", ["openai_chat.py", "plain_client.py"])
def test_the_example_clients_say_that_there_is_no_gateway(name: str) -> None:
    alone = example(name, "what is 50 times 3")
    assert alone.returncode == 1
    assert alone.stderr.startswith(f"no gateway at http://127.0.0.1:{GATEWAY}: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_playground_stops_as_a_whole(
    playground: subprocess.Popen[str], number: int, printed: Callable[[str], str]
) -> None:
    playground.send_signal(number)
    assert playground.wait(SECONDS) == 0
    assert '"event": "stopped"' in printed("out")
    for port in (GATEWAY, *PORTS.values()):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_playground_that_is_killed_leaves_nothing(playground: subprocess.Popen[str]) -> None:
    """What is left is waited for where the fixture `start` ends."""
    playground.kill()
    playground.wait()


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (GATEWAY, f"port {GATEWAY} is taken, where the gateway is to listen"),
        (PORTS["admin"], f"127.0.0.1:{PORTS['admin']} is taken, where the example agent of admin is to listen"),
    ],
    ids=["gateway", "agent"],
)
def test_the_playground_says_which_port_is_taken(
    start: Start, config: Path, printed: Callable[[str], str], port: int, said: str
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert start("-m", "aimux.demo.playground", "--config", str(config)).wait(SECONDS) == 1
    assert f"playground: {said}; end the program that uses it, or " in printed("err")
    assert "Traceback" not in printed("err")


def test_the_playground_passes_on_what_the_gateway_says_of_a_broken_configuration(
    start: Start, config: Path, printed: Callable[[str], str]
) -> None:
    config.write_text(config.read_text().replace("- finance-bot", "- FinanceBot", 1))
    assert start("-m", "aimux.demo.playground", "--config", str(config)).wait(SECONDS) == 2
    assert "FinanceBot" in printed("err")
    assert "agent on http" not in printed("out")


def test_the_playground_passes_on_that_the_gateway_did_not_start(
    start: Start, config: Path, printed: Callable[[str], str]
) -> None:
    missing = {MODEL_PATH: "/nowhere/model.onnx"}
    assert start("-m", "aimux.demo.playground", "--config", str(config), **missing).wait(SECONDS) == 1
    assert "/nowhere/model.onnx" in printed("err")
    assert "The gateway is ready" not in printed("out")


def test_the_demo_comes_out_as_expected(start: Start, printed: Callable[[str], str]) -> None:
    assert start("-m", "aimux", "demo", "--json").wait(SECONDS) == 0, printed("out") + printed("err")
    told = json.loads(printed("out"))
    steps = [step for chapter in told["chapters"] for step in chapter["steps"]]
    assert len(steps) == sum(len(chapter.steps) for chapter in STORY)
    assert (told["passed"], told["failed"]) == (len(steps), 0)
    assert all(step["passed"] and not step["differences"] for step in steps)
    assert any(step["score"] and step["route"] == "math" for step in steps)
    assert printed("err") == ""


def test_the_demo_tells_people_line_by_line(start: Start, printed: Callable[[str], str]) -> None:
    assert start("-m", "aimux", "demo").wait(SECONDS) == 0
    lines = printed("out").splitlines()
    assert sum(line.startswith("ok   ") for line in lines) == sum(len(chapter.steps) for chapter in STORY)
    assert lines[-1].startswith("All ")


UNEXPECTED = """
import sys
from dataclasses import replace
from aimux.demo.report import Lines
from aimux.demo.show import show
from aimux.demo.steps import Chapter, Refused
from aimux.demo.story import MEANING
first, *others = MEANING.steps
sys.exit(show(Lines(), (Chapter("one", (replace(first, expected=Refused(403, "route_forbidden")), *others)),)))
"""


def test_the_demo_fails_where_one_step_comes_out_otherwise(start: Start, printed: Callable[[str], str]) -> None:
    assert start("-c", UNEXPECTED).wait(SECONDS) == 1
    assert printed("out").count("\nFAIL ") == 1
    assert "     status: 200 instead of 403\n" in printed("out")
    assert "     agents that were reached: ('math',) instead of ()\n" in printed("out")
    assert "     aimux route decides 'forward' instead of 'route_forbidden'\n" in printed("out")
    assert "1 of 12 steps came out otherwise than expected" in printed("out")


def test_the_demo_shows_why_its_gateway_did_not_start(start: Start, printed: Callable[[str], str]) -> None:
    assert start("-m", "aimux", "demo", **{MODEL_PATH: "/nowhere/model.onnx"}).wait(SECONDS) == 1
    assert "aimux demo: the gateway ended with exit code 1:\n  " in printed("err")
    assert "/nowhere/model.onnx" in printed("err")
    assert "Traceback" not in printed("err")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
def test_the_demo_can_be_interrupted(
    start: Start, printed: Callable[[str], str], tmp_path: Path, number: int, code: int
) -> None:
    process = start("-m", "aimux", "demo")
    until(lambda: len(marked(_mark_of(process))) > 3, "the demo's processes")
    process.send_signal(number)
    assert process.wait(SECONDS) == code
    assert "Traceback" not in printed("err")
    if number != signal.SIGKILL:
        assert list(tmp_path.glob("aimux-*")) == []


def _mark_of(process: subprocess.Popen[str]) -> str:
    environ = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    return next((each.partition(b"=")[2].decode() for each in environ if each.startswith(MARK.encode())), "-")
