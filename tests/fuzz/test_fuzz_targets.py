"""The fuzz targets: quiet over their seeds, loud where a parser breaks a promise; and none of them needs atheris."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimux.core.identity import Claim
from aimux.core.policy import IdentitySources
from aimux.edge.response import ResponseReader
from aimux.wire.decode import decode
from aimux.wire.http1 import bad, find_head, parse_head
from fuzz.run import main
from fuzz.session import FuzzError, Result, result_of
from fuzz.target import Finding
from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_a_target_finds_nothing_in_its_seeds(target):
    seeds = list(target.seeds())
    assert len(seeds) > 5
    for seed in seeds:
        target.check(seed)


def test_most_targets_begin_with_the_corpus():
    assert sum(len(list(target.seeds())) > 30 for target in TARGETS.values()) >= 8


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 300, bytes(range(256))])
def test_a_target_takes_any_bytes(target, data):
    target.check(data)


# Bugs, planted one at a time. A row: the target, where the bug is put, the bug, and an input that shows it.


def _always(value: object) -> Callable[..., object]:
    return lambda *args, **named: value


def _lax_head(data, limits):
    return parse_head(data.replace(b" :", b":"), limits)


def _hasty_find(data, limits):
    if data.endswith(b"\r"):
        raise bad("a line may not end so, the hasty parser thinks")
    return find_head(data, limits)


def _first_text(messages):
    return (0, messages[0]["content"], None) if messages else None


def _crash(*args: object) -> None:
    raise KeyError("a bug")


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n"
RESPONSE = b"\x12\x06HTTP/1.1 200 OK\r\n%b\r\n"
JSON = b"/\r\nContent-Type: application/json\r\n\r\n"
MINE, YOURS = b'{"role": "user", "content": "a"}', b'{"role": "user", "content": "b"}'
PARTS = b"multipart/form-data; boundary=XyZ\r\n--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n%b\r\n--XyZ--\r\n"
WIRE, TARGET = "aimux.wire.", "fuzz.targets."
BUGS: dict[str, tuple[str, str, Any, bytes]] = {
    "a blank before a colon": ("request-head", TARGET + "request_head.parse_head", _lax_head, HEAD % b"X : y"),
    "half a line end refused": ("request-head", TARGET + "request_head.find_head", _hasty_find, HEAD % b"X: y"),
    "a length overlooked": ("request-head", WIRE + "http1._body_length", _always(0), HEAD % b"Content-Length: 5"),
    "a forged agent sent on": (
        *("request-head", WIRE + "http1.crosses_to_upstream", lambda name, _: name != b"host"),
        HEAD % b"X_AIMux_Agent: a",
    ),
    "a header lost on the way": (
        "request-head",
        WIRE + "http1.crosses_to_upstream",
        _always(False),
        HEAD % b"A: b",
    ),
    "any line for a size": (
        *("chunked-body", WIRE + "chunked._SIZE_LINE", re.compile(rb"([0-9a-f]{1,16}).*")),
        b"\x025 x\r\nhello\r\n0\r\n\r\n",
    ),
    "lines without end": ("chunked-body", WIRE + "chunked._LONGEST_LINE", 10**9, b"\x025;" + b"a" * 20_000),
    "no limit for what is decoded": (
        *("content-coding", TARGET + "content_coding.decode", lambda body, coding, _: decode(body, coding, 10**9)),
        next(seed for seed in TARGETS["content-coding"].seeds() if seed.startswith(b"\x02\x01")),
    ),
    "another error than Failure": ("content-coding", WIRE + "decode._DECODERS", {b"gzip": _crash}, b"\x00\xffx"),
    "a key that stands twice": ("json", TARGET + "json_body.read_json", json.loads, b'{"a": 1, "a": 2}'),
    "half of a surrogate pair": ("json", WIRE + "decode._check_surrogates", _always(None), b'"\\ud800"'),
    "more depth than the limit": ("json", WIRE + "decode._DEEPEST", 90, b"[" * 80 + b"]" * 80),
    "JSON refused without need": ("json", WIRE + "decode._DEEPEST", 1, b"[[1]]"),
    "the last of two names": (
        "meaning",
        WIRE + "claims._one",
        lambda values, *_: values[-1],
        b"/?agent=bee&agent=finance-bot\r\n\r\n",
    ),
    "a name that is empty": ("meaning", WIRE + "claims.claim", Claim, b"/?agent=\r\n\r\n"),
    "a name from another place": (
        *("meaning", TARGET + "meaning._SOURCES", IdentitySources(headers=("x-agent",))),
        b"/\r\nX-Agent: finance-bot\r\n\r\n",
    ),
    "a text from another field": (
        "meaning",
        WIRE + "spoken._TEXT_FIELDS",
        ("agent",),
        JSON + b'{"agent": "admin-bot"}',
    ),
    "names that were overlooked": (
        "meaning",
        WIRE + "dialects.query_claims",
        _always(()),
        b"/?agent=finance-bot\r\n\r\n",
    ),
    "the first message": (
        "meaning",
        WIRE + "spoken.last_turn_of_user",
        _first_text,
        JSON + b'{"messages": [%b, %b]}' % (MINE, YOURS),
    ),
    "query before q": ("forms", WIRE + "dialects._TEXT_FIELDS", ("query", "q"), b"q=a&query=b"),
    "a text that was overlooked": ("forms", WIRE + "dialects._of_fields", _always(None), b"q=a"),
    "values that are not heard": ("forms", WIRE + "dialects.heard", _always(()), b"note=a"),
    "a boundary within a part": (
        *("multipart-body", WIRE + "multipart._framed", lambda body, boundary: [(len(boundary) + 4, len(body) - 11)]),
        PARTS % b"a\r\n--XyZ\r\nContent-Disposition: form-data; name=b\r\n\r\nb",
    ),
    "a field that is taken for a file": (
        *("multipart-body", WIRE + "uploads._in_field", _always(())),
        PARTS % b"a",
    ),
    "a route that the upstream names": (
        *(
            "response",
            WIRE + "response._known",
            lambda name: (name.lower(), (ours := name == b"Content-Length"), not ours),
        ),
        RESPONSE % b"X-AIMux-Route: other\r\nContent-Length: 0\r\n",
    ),
    "a truncated response left open": (
        *("response", "aimux.edge.exchange.Exchange.abort", _always(None)),
        RESPONSE % b"Content-Length: 9\r\n" + b"short",
    ),
    "a second response": (
        *("response", "aimux.edge.response.ResponseReader.on_message_begin"),
        ResponseReader._begin_head,
        RESPONSE % b"Content-Length: 0\r\n" + b"HTTP/1.1 200 OK\r\n\r\n",
    ),
    "a fault inside": ("response", "aimux.edge.exchange.client_head", _crash, RESPONSE % b"Content-Length: 0\r\n"),
    "a crash over a configuration": ("configuration", "aimux.config.load.check_consistency", _crash, b"routes: []\n"),
    "capitals in a trace": (
        *("traceparent", "aimux.core.headers._TRACEPARENT", re.compile(rb"00-([0-9a-fA-F]{32})-([0-9a-f]{16})-(..)")),
        b"00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01",
    ),
    "dots that lead out": (
        *("upstream-target", TARGET + "upstream_target.upstream_target"),
        lambda head, upstream: upstream.base_path.encode() + head.target,
        b"\x01/%2e%2e%2fadmin",
    ),
    "the base path left out": (
        "upstream-target",
        TARGET + "upstream_target.upstream_target",
        lambda h, _: h.target,
        b"\x01/a",
    ),
    "a prefix that a proxy reads": (
        "prefixes",
        WIRE + "prefixes.readings",
        lambda path: [path],
        b"\x00/x%2fy/../%66iles",
    ),
    "dots behind a prefix": ("prefixes", WIRE + "decoded.segments", _always(()), b"\x00/files/a/../b"),
    "a way back to nowhere": ("prefixes", TARGET + "prefixes.path_at_gateway", lambda path, *_: path, b"\x00/files/a"),
    "a host behind a path": (
        *("redirects", WIRE + "redirects.Asked.at_gateway"),
        lambda _, reference: reference.path,
        b"\x02http://x:8001//evil",
    ),
    "another caller": ("redirects", WIRE + "redirects.Asked.is_said", _always(True), b"\x02/?client_id=admin-bot"),
}


@pytest.mark.parametrize(("name", "place", "bug", "data"), BUGS.values(), ids=BUGS.keys())
def test_a_planted_bug_is_found(monkeypatch, name, place, bug, data):
    TARGETS[name].check(data)
    monkeypatch.setattr(place, bug)
    with pytest.raises((Finding, AssertionError, KeyError, ValueError)):
        TARGETS[name].check(data)


def test_every_target_has_a_planted_bug():
    assert {name for name, *_ in BUGS.values()} == set(TARGETS)


# Running them


def test_nothing_but_the_worker_needs_atheris():
    program = "import sys; sys.modules['atheris'] = None; import fuzz.run, fuzz.targets"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


QUIET = """#2 INITED cov: 40 ft: 40
#9 NEW    cov: 43 ft: 50
#99 DONE   cov: 43 ft: 51
stat::number_of_executed_units: 99
"""


def test_a_quiet_run_tells_what_it_did():
    found = result_of("json", 0, "", QUIET)
    assert found == Result("json", 99, 3, None)
    assert str(found).split() == ["json", "99", "executions", "3", "new", "edges", "no", "findings"]


def test_a_finding_is_shown_with_its_bytes_and_what_was_raised(tmp_path):
    path = tmp_path / "json-crash-1"
    path.write_bytes(b'{"a\x00')
    told = "\n === Uncaught Python exception: ===\nKeyError: 'a'\nTraceback: here\n"
    log = QUIET + f"==7== ERROR: libFuzzer: fuzz target exited\nTest unit written to {path}\n"
    found = result_of("json", 77, told, log)
    assert "A FINDING" in str(found)
    shown = str(found.finding)
    assert "KeyError: 'a'" in shown
    assert repr(b'{"a\x00') in shown
    assert f"--again {path}" in shown
    slow = result_of("json", 70, "", log.replace("fuzz target exited", "timeout after 11 seconds"))
    assert "timeout after 11 seconds" in str(slow.finding)


def test_a_run_that_breaks_without_a_finding_is_an_error():
    with pytest.raises(FuzzError, match="ended with 1"):
        result_of("json", 1, "", "ModuleNotFoundError: atheris")


def test_a_finding_is_played_again(tmp_path, monkeypatch, capsys):
    path = tmp_path / "json-crash-1"
    path.write_bytes(b'{"a": 1, "a": 2}')
    assert main(["--again", str(path)]) == 0
    monkeypatch.setattr(TARGET + "json_body.read_json", json.loads)
    with pytest.raises(AssertionError, match="refuses what is accepted"):
        main(["--again", str(path)])
    assert main(["--again", str(tmp_path / "unknown-crash-1")]) == 2
    assert "does not begin with the name of a target" in capsys.readouterr().err
