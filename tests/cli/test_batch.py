"""`aimux route --batch`: many texts from a file or standard input, and how what cannot be used is refused."""

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimux.cli.route import route

CONFIG = """\
agents: [bob]
routes:
  - {name: bare, upstream: "http://x"}
fallback: {upstream: "http://y"}
"""
GOOD = '{"text": "a", "agent": "bob"}\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "aimux.yaml"
    file.write_text(CONFIG)
    return file


def batched(config: Path, batch: Path) -> int:
    return route(None, None, config, batch, as_json=False, scores=False)


def given(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def answers(out: str) -> list[tuple[str, str | None, str]]:
    return [(row["text"], row["agent"], row["verdict"]) for row in map(json.loads, out.splitlines())]


@pytest.mark.parametrize("is_file", [True, False])
def test_each_line_is_judged(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    content = b"\xef\xbb\xbf" + GOOD.encode() + b'\r\n \n{"text": "b\xe2\x80\xa8"}\r\n{"text": "c", "agent": "eve"}'
    given(content, monkeypatch)
    file = tmp_path / "batch.jsonl"
    file.write_bytes(content)
    assert batched(config, file if is_file else Path("-")) == 0
    printed = capsys.readouterr()
    assert answers(printed.out) == [
        ("a", "bob", "fallback"),
        ("b\u2028", None, "fallback"),
        ("c", "eve", "unknown_agent"),
    ]
    assert printed.err == ""


@pytest.mark.parametrize(
    "case",
    [
        (b"\xff", "not UTF-8 text: save it as UTF-8"),
        (b"nope", 'not JSON: write {"text": "...", "agent": "..."} on each line'),
        (b"[" * 100_000, "not JSON: write {"),
        (b'{"text": "a\x00b"}', "not JSON: the control character U+0000 stands in a string as it is: write \\u0000 "),
        (b"[1]", 'not an object: write {"text'),
        (b'{"text": 1}', 'no "text" that is a string: write {"text'),
        (b'{"text": "a", "agent": 1}', '"agent" is not a string: leave it out '),
        (b'{"text": "a", "text": "b"}', '"text" comes twice: write it once'),
        (b'{"text": "a \\ud800 b"}', 'the "text" holds half of a surrogate pair: '),
    ],
)
def test_a_line_that_cannot_be_used_is_refused(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[bytes, str],
) -> None:
    line, said = case
    content = GOOD.encode() + line + b"\n" + GOOD.encode() + line
    file = tmp_path / "batch.jsonl"
    file.write_bytes(content)
    assert batched(config, file) == 2
    printed = capsys.readouterr()
    # Everything is said of a file before anything is judged.
    assert printed.out == ""
    first, second = printed.err.splitlines()
    assert first.startswith(f"aimux: {file}:2: {said}")
    assert second.startswith(f"aimux: {file}:4: {said}")
    given(content, monkeypatch)
    assert batched(config, Path("-")) == 2
    printed = capsys.readouterr()
    assert len(answers(printed.out)) == 1
    assert printed.err.startswith(f"aimux: -:2: {said}")
    assert printed.err.count("\n") == 1


def test_what_is_no_file_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert batched(config, tmp_path) == 2
    assert capsys.readouterr().err == f"aimux: {tmp_path}: cannot be read: Is a directory: name a file that can\n"
    assert batched(config, tmp_path / "none") == 2
    assert "none: cannot be read: No such file or directory: name " in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", None)
    assert batched(config, Path("-")) == 2
    assert capsys.readouterr().err == "aimux: -: there is no standard input: name a file\n"


def test_a_pipe_is_answered_up_to_the_line_that_cannot_be_used(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, GOOD.encode() + b"nope\n")
        os.close(writing)
        pipe = Path(f"/dev/fd/{reading}")
        assert batched(config, pipe) == 2
    finally:
        os.close(reading)
    printed = capsys.readouterr()
    assert len(answers(printed.out)) == 1
    assert printed.err.startswith(f"aimux: {pipe}:2: not JSON")
