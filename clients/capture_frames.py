"""Runs frameworks offline against a scripted model, and stores what they send under the user's role.

Each is installed into an environment of its own under clients/.envs and runs a script of clients/framework_turns there.
At the pinned versions the captures become the suite's data; with --newest they are only read as the suite reads those,
so that a release that changes its frame is noticed.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPTS: Final = ROOT / "clients/framework_turns"
ENVIRONMENTS: Final = ROOT / "clients/.envs"
STORED: Final = ROOT / "tests/wire/framework_turns"
DEADLINE: Final = 600

# The script of each, and what it needs. Those that end in a number are earlier releases that many still run.
PACKAGES: Final = {
    "crewai": ("crewai_turns", ["crewai==1.15.30"]),
    "google-adk": ("google_adk_turns", ["google-adk==2.13.0", "litellm==1.110.2"]),
    "google-adk-1": ("google_adk_turns", ["google-adk==1.20.0", "litellm==1.80.0"]),
    "langchain-classic": ("langchain_turns", ["langchain-classic==1.0.8", "langchain-openai==1.7.4"]),
    "llama-index": ("llama_index_turns", ["llama-index-core==0.14.25", "llama-index-llms-openai-like"]),
    "pydantic-ai": ("pydantic_ai_turns", ["pydantic-ai-slim[openai]==2.68.0"]),
    "pydantic-ai-1": ("pydantic_ai_turns", ["pydantic-ai-slim[openai]==1.25.0", "opentelemetry-api==1.38.0"]),
    "smolagents": ("smolagents_turns", ["smolagents[openai]==1.26.0", "openai==2.54.0"]),
}


def main() -> int:
    """Capture, store where the versions are the pinned ones, and read what was captured. The exit code is pytest's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newest", action="store_true", help="the newest versions; nothing is stored")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"some of {', '.join(PACKAGES)}; else all")
    given = parser.parse_args()
    if unknown := set(given.packages) - set(PACKAGES):
        parser.error(f"no such package here: {', '.join(sorted(unknown))}")
    folder = ENVIRONMENTS / "newest-turns" if given.newest else STORED
    folder.mkdir(parents=True, exist_ok=True)
    for name in given.packages or PACKAGES:
        if not (given.newest and name[-2:] == "-1"):
            capture(name, folder / f"{name}.json", newest=given.newest)
    tests = [sys.executable, "-m", "pytest", "-q", "-n", "0", str(ROOT / "tests/wire/test_framework_turns.py")]
    return subprocess.run(tests, env={**os.environ, "AIMUX_FRAMEWORK_TURNS": str(folder)}, check=False).returncode  # noqa: S603 our own


def capture(name: str, target: Path, *, newest: bool) -> None:
    """Install a framework, where that has not been done, and let it run its script, which writes `target`."""
    script, needed = PACKAGES[name]
    folder = ENVIRONMENTS / (f"newest-turns-{name}" if newest else f"turns-{name}")
    wanted = [each.partition("==")[0] for each in needed] if newest else needed
    python = folder / "bin/python"
    print(f"{name}: {' '.join(wanted)}", flush=True)
    stamp = folder / "installed"
    if newest or not stamp.exists() or stamp.read_text() != " ".join(wanted):
        venv.create(folder, with_pip=True, clear=False)
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", *wanted])
        stamp.write_text(" ".join(wanted))
    run([python, "-W", "ignore", SCRIPTS / f"{script}.py", target])


def run(command: list[object]) -> None:
    """Run a command without its chatter; stop with what it said where it fails."""
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it is looked for outside
    done = subprocess.run(  # noqa: S603 our own
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


if __name__ == "__main__":
    sys.exit(main())
