"""The README is the first thing that is tried: what it shows must be so."""

import re
from pathlib import Path

from aimux.config.load import load, load_text
from aimux.demo.playground import FIRST_CALLS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_configuration_that_it_shows_loads() -> None:
    shown = blocks("yaml")
    assert len(shown) == 1
    loaded = load_text(shown[0], "README.md", {}, ROOT)
    assert [route.name for route in loaded.policy.routes] == ["finance", "admin", "public-api", "status"]
    assert loaded.policy.fallback is not None


def test_the_configuration_of_the_quick_start_loads() -> None:
    loaded = load(ROOT / "aimux.yaml", {})
    assert {"math", "finance", "admin"} <= loaded.policy.by_name.keys()


def test_its_calls_are_those_that_make_run_tells_to_try() -> None:
    shown = [call.split("#")[0] for block in blocks("bash") for call in block.replace("\\\n", " ").splitlines()]
    shown = [" ".join(call.split()) for call in shown if call.startswith("curl")]
    told = FIRST_CALLS.format(url="http://localhost:8080").replace("\\\n", " ").splitlines()
    told = [" ".join(call.split("#")[0].split()) for call in told if call.strip()]
    assert shown == told


def test_what_the_documents_link_to_is_there() -> None:
    linked = 0
    for document in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
            linked += 1
    assert linked > 10
