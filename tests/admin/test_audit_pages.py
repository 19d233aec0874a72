"""The audit endpoints, asked without a gateway: what an answer lacks, and what they say where nothing can be read."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimux.admin import audit_pages
from aimux.admin.audit_pages import AuditPages
from aimux.admin.page import Page, Stream
from aimux.audit import follow
from aimux.audit.index import Indexer
from aimux.audit.lag import behind, catch_up
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.store import FILE
from aimux.core.endpoints import Endpoint
from aimux.core.headers import Trace
from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended, Record
from aimux.gateway.live import Live

ASKED = (Endpoint.AUDIT, Endpoint.AUDIT_STATS, Endpoint.AUDIT_EXPORT)


def record(number: int) -> Record:
    """A request that has ended."""
    trace = Trace(f"{number + 1:032x}", "e" * 16)
    return Record(
        f"{number:032x}", trace, "192.0.2.7", 1e9 + number, "GET", "/", "query", "forward", 200, ended=Ended.COMPLETED
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of ten requests."""

    async def main() -> None:
        writer = AuditLog(AuditSettings(tmp_path), 1, print, print)
        for number in range(10):
            writer.request(record(number))
        writer.close()

    asyncio.run(main())
    return tmp_path


async def ask(log: Path, endpoint: Endpoint, query: bytes = b"") -> Any:
    pages = AuditPages(AuditSettings(log), Live())
    exchange: Any = SimpleNamespace(head=SimpleNamespace(query=query))
    return await pages.endpoints[endpoint](exchange)


async def body(answer: Page | Stream) -> bytes:
    return answer.body if isinstance(answer, Page) else b"".join([piece async for piece in answer.pieces])


def lacking(answer: Page | Stream, whole: bytes) -> int:
    if isinstance(answer, Page):
        return int(json.loads(whole)["behind"])
    (found,) = [line for line in answer.headers if line.startswith(b"X-AIMux-Audit-Behind: ")]
    return int(found.partition(b": ")[2])


@pytest.mark.parametrize("endpoint", [*ASKED, Endpoint.AUDIT_STATUS])
def test_an_answer_says_what_it_lacks(log: Path, endpoint: Endpoint) -> None:
    async def asked() -> int:
        answer = await ask(log, endpoint)
        return lacking(answer, await body(answer))

    indexer = Indexer(log)
    indexer.advance(5)
    expected = behind(log)
    assert expected > 0
    assert asyncio.run(asked()) == expected
    indexer.close()
    catch_up(log)
    assert asyncio.run(asked()) == 0


@pytest.mark.parametrize("endpoint", [Endpoint.AUDIT, Endpoint.AUDIT_STATS])
def test_what_is_indexed_while_an_answer_is_made_is_not_taken_for_part_of_it(
    log: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexer = Indexer(log)
    indexer.advance(5)
    expected = behind(log)
    indexer.close()
    name = "page" if endpoint is Endpoint.AUDIT else "stats"
    real = getattr(audit_pages, name)

    def then_catch_up(*arguments: Any) -> Any:
        found = real(*arguments)
        catch_up(log)
        return found

    monkeypatch.setattr(audit_pages, name, then_catch_up)

    async def asked() -> int:
        answer = await ask(log, endpoint)
        return lacking(answer, await body(answer))

    assert asyncio.run(asked()) == expected


def spoil(log: Path) -> None:
    (log / FILE).write_bytes(b"no database" * 500)


HARMS: dict[str, Callable[[Path], object]] = {"try again": lambda log: (log / FILE).unlink(), "delete": spoil}


@pytest.mark.parametrize("endpoint", ASKED)
@pytest.mark.parametrize("advice", HARMS)
def test_an_index_that_cannot_be_read_is_refused_with_what_to_do(log: Path, endpoint: Endpoint, advice: str) -> None:
    catch_up(log)
    HARMS[advice](log)
    with pytest.raises(Failure, match=advice) as refused:
        asyncio.run(ask(log, endpoint))
    assert refused.value.reason is Reason.NOT_READY


def test_the_state_of_the_chains_is_there_without_an_index(log: Path) -> None:
    async def asked() -> Any:
        return json.loads(await body(await ask(log, Endpoint.AUDIT_STATUS)))

    catch_up(log)
    for harm in HARMS.values():
        harm(log)
        found = asyncio.run(asked())
        assert found["behind"] > 0
        assert found["chains"][0]["checkpoint"]["count"] == found["chains"][0]["last"]


def test_a_stream_of_a_log_that_cannot_be_read_is_refused_or_ends(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> Any:
        raise PermissionError(13, "Permission denied")

    async def main() -> None:
        stream = await ask(log, Endpoint.AUDIT_STREAM)
        monkeypatch.setattr(follow, "chains_in", unreadable)
        assert [piece async for piece in stream.pieces] == [b"retry: 1000\n\n"]
        with pytest.raises(Failure, match="Permission denied") as refused:
            await ask(log, Endpoint.AUDIT_STREAM)
        assert refused.value.reason is Reason.NOT_READY

    asyncio.run(main())


def test_an_export_that_is_given_up_leaves_nothing_open(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_pages, "_EXPORTED_AT_ONCE", 2)
    catch_up(log)

    def open_now() -> int:
        names = [each.readlink().name for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return sum(name.endswith(".jsonl") or name.startswith(FILE) for name in names)

    async def main() -> None:
        before = open_now()
        stream = await ask(log, Endpoint.AUDIT_EXPORT)
        pieces: Any = stream.pieces
        assert await anext(pieces)
        assert open_now() > before
        await pieces.aclose()
        async with asyncio.timeout(20):
            while open_now() > before:  # noqa: ASYNC110  (the thread that reads may be in the midst of a piece)
                await asyncio.sleep(0.005)

    asyncio.run(main())


def test_a_stream_says_how_many_lines_are_no_records(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_pages, "_LOOK_SECONDS", 0.0)

    async def main() -> bytes:
        stream = await ask(log, Endpoint.AUDIT_STREAM, b"agent=nobody")
        (segment,) = (log / "chain-1").glob("*[0-9].jsonl")
        with segment.open("ab") as file:
            file.write(b'nonsense\n{"seq":1,"kind":"outcome"}\n{"seq":2,"kind":"of_tomorrow"}\n')
        pieces: Any = stream.pieces
        assert await anext(pieces) == b"retry: 1000\n\n"
        event: bytes = await anext(pieces)
        await pieces.aclose()
        return event

    assert asyncio.run(main()) == b'event: unreadable\ndata: {"records":2}\n\n'
