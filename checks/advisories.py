"""`python -m checks.advisories`: fails if a locked dependency has a known vulnerability.

pip-audit asks the package index for advisories. A mirror without any has nothing to say of a package; that is told, and
fails only with `--strict`, since a check that needs another network than the installation would stop all work there.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LOCKS: Final = sorted((Path(__file__).parents[1] / "requirements").glob("*.txt"))
_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of the locked packages: lines for the vulnerable ones, and how many could be looked up at all."""

    vulnerable: tuple[str, ...]
    audited: int
    unknown: int


def read(report: str) -> Findings:
    """Read pip-audit's JSON. Raises ValueError where it is no such report."""
    try:
        entries = json.loads(report)["dependencies"]
        skipped = [entry for entry in entries if "skip_reason" in entry]
        found = [_line(entry, flaw) for entry in entries if entry not in skipped for flaw in entry["vulns"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"pip-audit's report has no {error}") from error
    return Findings(tuple(sorted(set(found))), len(entries) - len(skipped), len(skipped))


def _line(entry: dict[str, str], flaw: dict[str, Any]) -> str:
    remedy = ", ".join(flaw["fix_versions"]) or "nothing yet"
    return f"{entry['name']} {entry['version']}: {flaw['id']}, fixed in {remedy}"


def verdict(findings: Findings, *, strict: bool) -> tuple[int, str]:
    """The exit code, and what to say."""
    if findings.vulnerable:
        return 1, "Vulnerable dependencies; run `make lock`:\n  " + "\n  ".join(findings.vulnerable)
    told = f"Advisories: none for {findings.audited} of {findings.audited + findings.unknown} locked packages"
    if findings.unknown:
        told += f"; the others could NOT be looked up, since this package index has no advisories ({findings.unknown})"
    return int(strict and findings.unknown > 0), told


def main(arguments: Sequence[str]) -> int:
    """Run pip-audit over the lock files; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m checks.advisories")
    parser.add_argument("--strict", action="store_true", help="fail if a package cannot be looked up")
    options = parser.parse_args(arguments)
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner=off", "-f", "json"]
    command += [word for lock in _LOCKS for word in ("-r", str(lock))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
        findings = read(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        print(f"Advisories: the locked packages were NOT looked up: {error}")
        return int(options.strict)
    code, told = verdict(findings, strict=options.strict)
    print(told)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
