"""Logs to read: written by the real writer, from records like the gateway's."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.core.headers import Trace
from aimux.core.identity import ANONYMOUS, Assurance, Principal
from aimux.core.record import Ended, Record
from aimux.core.request import Reading
from aimux.core.rules import Rule

# The processes, clients and upstreams of the old log are those of the end-to-end tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

T0 = 1_700_000_000.0
Make = Callable[..., Record]


def record(
    number: int,
    *,
    agent: str | None = "finance-bot",
    route: str | None = "finance",
    verdict: str = "forward",
    text: str | None = "analyze revenue",
    began: float = T0,
    took: float = 0.005,
) -> Record:
    """One request that has ended."""
    principal = ANONYMOUS if agent is None else Principal(agent, Assurance.CLAIMED)
    return Record(
        f"{number:032x}",
        Trace(f"{number + 1:032x}", "e" * 16),
        "192.0.2.7",
        began,
        "POST",
        "/v1/x",
        "json",
        verdict,
        200 if verdict == "forward" else 403,
        principal,
        route,
        Rule.ACCESS_LISTED,
        total_seconds=took,
        response_bytes=10,
        upstream_seconds=0.003,
        ended=Ended.COMPLETED,
        said=Reading((), text, "json", field="query"),
    )


@pytest.fixture(scope="session")
def made() -> Make:
    """Makes a record."""
    return record


def write(settings: AuditSettings, records: Sequence[Record], chain: int = 1) -> list[str]:
    """Open a chain, record these requests, and close it; the warnings that came."""
    warnings: list[str] = []

    async def main() -> None:
        log = AuditLog(settings, chain, lambda why: warnings.append(f"trouble: {why}"), warnings.append)
        for each in records:
            log.decided(each)
            log.request(each)
        log.close()

    asyncio.run(main())
    return warnings


@pytest.fixture(scope="session")
def written() -> Callable[..., list[str]]:
    """Writes a log."""
    return write


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of one chain with 20 requests in several segments: 43 records."""
    folder = tmp_path / "audit"
    assert write(AuditSettings(folder, segment_bytes=3000), [record(n) for n in range(20)]) == []
    return folder
