"""A reader who types what a document says, in a checkout: one shell, and a terminal for what stays in front."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from docs_support.blocks import Block, Typed, typed, write
from docs_support.printed import is_as_said

DEADLINE: Final = 60.0
ROOT: Final = Path(__file__).resolve().parents[3]
_DONE: Final = "\x1e"
# What only looks may look again: what it looks for is on its way.
_LOOKS: Final = ("aimux audit ", "grep ")
MAKE: Final = """\
#!/bin/sh
test "$1" = run || exit 1
exec .venv/bin/python -m aimux.demo.playground --config aimux.yaml
"""
"""Stands in for `make`, which would set this checkout up again; what it runs then is the same."""


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that were free a moment ago."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Reader:
    """Does the blocks of a document in a folder that looks like a checkout. `ports` says which stand for its ports."""

    def __init__(self, checkout: Path, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._checkout = checkout
        for name in (".venv", "models"):
            (checkout / name).symlink_to(ROOT / name)
        (checkout / "aimux.yaml").write_text(self._here((ROOT / "aimux.yaml").read_text()))
        tools = checkout / "tools"
        tools.mkdir()
        (tools / "make").write_text(MAKE)
        (tools / "make").chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}
        path = f"{tools}:{kept['PATH']}"
        self._environment = {**kept, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        self._shell = self._begin(["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE)
        self._terminal: subprocess.Popen[str] | None = None
        self._where = checkout

    def _begin(self, command: list[str] | str, stdin: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=self._checkout,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            stdin=stdin,
        )

    def do(self, block: Block) -> None:
        """Do one block. AssertionError where something else comes of it than the document says."""
        if block.language != "console":
            write(Block(block.line, block.language, block.about, self._here(block.text)), self._where)
        elif block.about == "first terminal":
            for each in typed(block):
                self._in_the_terminal(each)
        else:
            for each in typed(block):
                self._in_the_shell(each)

    def close(self) -> None:
        """End everything that was started."""
        for process in (self._terminal, self._shell):
            if process is not None:
                _end(process)

    def _here(self, text: str) -> str:
        """A text of the document with the ports of this run."""
        # In one go: a free port may hold the digits of one that the document names.
        return re.sub("|".join(map(re.escape, self._ports)), lambda found: str(self._ports[found[0]]), text)

    def _as_said(self, each: Typed, printed: list[str]) -> bool:
        return is_as_said([self._here(line) for line in each.printed], printed)

    def _in_the_shell(self, each: Typed) -> None:
        end = time.monotonic() + DEADLINE
        printed = self._run(each.command)
        while not self._as_said(each, printed) and each.command.startswith(_LOOKS) and time.monotonic() < end:
            time.sleep(0.1)
            printed = self._run(each.command)
        assert self._as_said(each, printed), _otherwise(each, printed)

    def _run(self, command: str) -> list[str]:
        """The lines that a command prints."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{self._here(command)}\nprintf '{_DONE}%s\\n' \"$PWD\"\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            before, done, where = line.partition(_DONE)
            if done:
                self._where = Path(where.strip())
                return [*lines, before] if before else lines
            lines.append(line.rstrip("\r\n"))
        raise AssertionError(f"the shell ended at: {command}")

    def _in_the_terminal(self, each: Typed) -> None:
        if each.command == "^C":
            assert self._terminal is not None
            os.killpg(self._terminal.pid, signal.SIGINT)
            self._terminal.wait(DEADLINE)
            return
        self._terminal = self._begin(self._here(each.command))
        assert self._terminal.stdout is not None
        printed = _until(self._terminal.stdout, lambda lines: self._as_said(each, lines))
        assert self._as_said(each, printed), _otherwise(each, printed)


def _until(stream: IO[str], wanted: Callable[[list[str]], bool]) -> list[str]:
    """The lines that come until they are what is wanted, or no more come."""
    lines: list[str] = []
    for line in stream:
        lines.append(line.rstrip("\n"))
        if wanted(lines):
            break
    return lines


def _end(process: subprocess.Popen[str]) -> None:
    """End a process with all that it started, which is of its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _otherwise(each: Typed, printed: list[str]) -> str:
    said = "\n".join(each.printed)
    came = "\n".join(printed)
    return f"line {each.line}: $ {each.command}\nthe document says:\n{said}\nwhat came:\n{came}"
