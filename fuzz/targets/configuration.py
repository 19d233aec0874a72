"""The configuration: any text loads, or is refused with problems; what loads can be shown, and loads again the same."""

import json
from pathlib import Path
from typing import Final

from aimux.config.load import Loaded, load_text
from aimux.config.problem import ConfigError
from fuzz import ROOT
from fuzz.target import Target, expect

_SOURCE: Final = "aimux.yaml"
_NOWHERE: Final = Path("/nowhere")
_ENVIRONMENTS: Final = ({"X": "x"}, {"X": "http://x", "AIMUX_SERVER__PORT": "9000", "AIMUX_LOGGING__LEVEL": "debug"})


def check(data: bytes) -> None:
    """Load `data` as a configuration."""
    text = data.decode("utf-8", "replace")
    for environ in _ENVIRONMENTS:
        found = _load(text, environ)
        if found is not None:
            again = _load(text, environ)
            expect("the same text loads the same", kept=again is not None and again.digest == found.digest)
            expect("what is in force can be shown", kept=bool(json.dumps(found.display, default=dict)))
            expect("warnings are lines", kept=all(warning.isprintable() for warning in found.warnings))
            for route in found.policy.routes:
                known = route.allowed <= found.policy.agents.keys()
                expect("only registered agents are allowed anywhere", kept=known)


def _load(text: str, environ: dict[str, str]) -> Loaded | None:
    try:
        return load_text(text, _SOURCE, environ, _NOWHERE)
    except ConfigError as error:
        problems = error.problems
    expect(
        "a problem is one line, with a remedy", kept=all(str(each).isprintable() and each.remedy for each in problems)
    )
    expect("no problem is told twice", kept=len(set(problems)) == len(problems))
    return None


def _seeds() -> list[bytes]:
    return [
        (ROOT / "aimux.yaml").read_bytes(),
        b"routes:\n  - name: a\n    upstream: http://x\n    allowed: ['*']\n    intents: [b, c]\n",
        b"agents: [bee]\nfallback:\n  upstream: https://x:1/b\n  allowed: [bee]\n",
        b"fallback: {upstream: '${X}'}\nserver: {port: 0, max_body_bytes: 10MiB, trusted_proxies: ['::1']}\n",
        b"a: &b [1]\nc: *b\nd: !!python/object:x {}\n<<: {}\n? [a]\n: b\n",
        b'"\\ud800": "\\0"\n--- x\n...\n%YAML 1.1\n',
    ]


TARGET = Target(
    "configuration",
    check,
    _seeds,
    (
        *(
            b"server:",
            b"port: ",
            b"host: ",
            b"agents:",
            b"routes:",
            b"  - name: ",
            b"upstream: ",
            b"http://x",
            b"https://x/b",
            b"allowed: ",
        ),
        *(
            b"fallback:",
            b"intents: ",
            b"identity:",
            b"ca_file: ",
            b"min_score: ",
            b"logging:",
            b"semantic_engine:",
            b"limits:",
        ),
        *(
            b"${X}",
            b"$${",
            b"&a ",
            b"*a",
            b"!!x ",
            b"<<: ",
            b"---\n",
            b"...\n",
            b"\n  - ",
            b"'*'",
            b"null",
            b"yes",
            b"0o17",
            b"1_0",
            b".inf",
        ),
    ),
    longest=2048,
)
