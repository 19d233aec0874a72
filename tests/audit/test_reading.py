"""What is read from a log: the index against a naive reader, pages, sums, exports."""

import csv
import io
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimux.audit.entry import entry_of, is_failure, is_refusal
from aimux.audit.export import FORMATS
from aimux.audit.filters import FilterError, Filters, parse
from aimux.audit.index import Indexer
from aimux.audit.lag import behind, catch_up
from aimux.audit.query import chains, entries, page
from aimux.audit.settings import AuditSettings
from aimux.audit.store import FILE
from aimux.audit.sums import Span, stats

Make = Callable[..., Any]
T0 = time.time() // 600 * 600 - 6000
AGENTS = ("finance-bot", "admin-bot", None)
ROUTES = ("finance", "admin", None)
VERDICTS = ("forward", "fallback", "route_forbidden", "no_route", "upstream_timeout")
TEXTS = ("analyze Revenue", "100% of it", "straße_a", "STRASSE", "a\\b", None)
COUNT = 300


def some(made: Make, seed: int = 7) -> list[Any]:
    rng = random.Random(seed)
    return [
        made(
            n,
            agent=rng.choice(AGENTS),
            route=rng.choice(ROUTES),
            verdict=rng.choice(VERDICTS),
            text=rng.choice(TEXTS),
            began=T0 + n * 7.5,
            took=rng.uniform(0.0005, 0.5),
        )
        for n in range(COUNT)
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, made: Make, written: Callable[..., list[str]]) -> Path:
    """A log of two chains in many segments."""
    folder = tmp_path_factory.mktemp("log") / "audit"
    records = some(made)
    for chain in (1, 2):
        written(AuditSettings(folder, segment_bytes=20_000), records[chain - 1 :: 2], chain)
    catch_up(folder)
    return folder


def naive(log: Path) -> list[dict[str, Any]]:
    """Every request, read straight from the segments, the newest first."""
    found = []
    for chain in (1, 2):
        decisions: dict[int, Any] = {}
        for path in sorted((log / f"chain-{chain}").glob("*[0-9].jsonl")):
            for line in path.read_text().splitlines():
                fields = json.loads(line)
                if fields["kind"] == "decision":
                    decisions[fields["seq"]] = fields
                elif fields["kind"] == "outcome":
                    found.append(entry_of(chain, decisions[fields["decision"]], fields))
    return sorted(found, key=lambda e: (e["time"], e["position"]["chain"], e["position"]["decision"]), reverse=True)


def passes(entry: dict[str, Any], filters: Filters) -> bool:
    agent = entry["agent"] or ("(anonymous)" if entry["identity"] else "(unidentified)")
    wanted = filters.verdict
    return (
        filters.agent in {None, agent}
        and filters.route in {None, entry["route"] or "(none)"}
        and (wanted in {None, entry["verdict"]} or (wanted == "refused" and is_refusal(entry["verdict"])))
        and (filters.text is None or filters.text.casefold() in (entry["text"] or "").casefold())
        and (filters.request_id in {None, entry["request_id"]})
        and (filters.trace_id in {None, entry["trace_id"]})
    )


FILTERS = [
    Filters(),
    Filters(agent="finance-bot"),
    Filters(agent="(anonymous)", route="(none)"),
    Filters(route="admin", verdict="refused"),
    Filters(verdict="route_forbidden"),
    Filters(verdict="upstream_timeout"),
    Filters(text="REVENUE"),
    Filters(text="100%"),
    Filters(text="%"),
    Filters(text="_a"),
    Filters(text="a\\b"),
    Filters(text="Straße"),
    Filters(text="nowhere"),
    Filters(request_id=f"{17:032x}"),
    Filters(trace_id=f"{18:032x}"),
    Filters(agent="nobody"),
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_query_finds_what_a_naive_reader_finds(log: Path, filters: Filters) -> None:
    expected = [entry for entry in naive(log) if passes(entry, filters)]
    assert page(log, filters, 10 * COUNT).entries == expected
    assert list(entries(log, filters)) == expected[::-1]
    decided = [e for e in naive(log) if filters.admits({**e, "agent": e["agent"]}, e["verdict"])]
    assert decided == expected  # what a stream shows, a query finds


def test_most_filters_let_something_through_and_something_not(log: Path) -> None:
    sizes = [len([entry for entry in naive(log) if passes(entry, filters)]) for filters in FILTERS]
    assert sum(0 < size < COUNT for size in sizes) > 10


def test_a_span_has_its_beginning_and_not_its_end(log: Path) -> None:
    found = page(log, Filters(since=T0 + 75, until=T0 + 150), 100).entries
    assert [entry["request_id"] for entry in found] == [f"{n:032x}" for n in range(19, 9, -1)]


@pytest.mark.parametrize("size", [1, 7, 100, COUNT])
def test_pages_together_are_everything_once(log: Path, size: int) -> None:
    found: list[Any] = []
    before: str | None = None
    while True:
        one = page(log, Filters(), size, before)
        found += one.entries
        before = one.next
        if before is None:
            break
        assert len(one.entries) == size
    assert found == naive(log)


@pytest.mark.parametrize("before", ["", "x", "1,2", "1,2,3,4", "a,b,c"])
def test_a_cursor_that_is_none_is_refused(log: Path, before: str) -> None:
    with pytest.raises(FilterError, match="begin again"):
        page(log, Filters(), 1, before)


def test_the_sums_are_those_of_the_requests(log: Path) -> None:
    since, until = T0 - 100, T0 + COUNT * 7.5 + 100
    found = stats(log, Span(since, until, 50))
    all_of_them = naive(log)
    links = {(link["agent"], link["route"], link["verdict"]): link["requests"] for link in found["links"]}
    expected = Counter(
        (entry["agent"] or "(anonymous)", entry["route"] or "(none)", entry["verdict"]) for entry in all_of_them
    )
    assert links == expected
    assert sum(link["bytes"] for link in found["links"]) == sum(entry["bytes"] for entry in all_of_them)
    course = found["series"]
    assert sum(point["requests"] for point in course) == COUNT
    assert sum(point["refused"] for point in course) == sum(is_refusal(entry["verdict"]) for entry in all_of_them)
    failed = sum(is_failure(entry["verdict"], entry["ended"]) for entry in all_of_them)
    assert sum(point["failed"] for point in course) == failed > 0
    took = sorted(entry["total_ms"] for entry in all_of_them)
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        assert found[name] == pytest.approx(took[int(share * COUNT)], rel=0.1)
    one = stats(log, Span(since, until, 5, agent="admin-bot", route="finance"))
    assert {(link["agent"], link["route"]) for link in one["links"]} == {("admin-bot", "finance")}
    coarse = stats(log, Span(since - 100_000, until, 50))
    assert sum(point["requests"] for point in coarse["series"]) == COUNT


def test_nothing_has_no_quantiles(log: Path) -> None:
    found = stats(log, Span(T0 - 5000, T0 - 4000, 4))
    assert found["links"] == []
    assert found["p99_ms"] is None
    assert all(point["requests"] == 0 and point["p50_ms"] is None for point in found["series"])


def test_the_state_of_the_chains(log: Path) -> None:
    assert behind(log) == 0
    for chain in chains(log):
        assert chain["verified"] == chain["last"] == chain["checkpoint"]["count"]
        assert chain["fault"] is None
        assert chain["segments"] > 3


@pytest.fixture
def copy(tmp_path: Path, made: Make, written: Callable[..., list[str]]) -> Path:
    """A log to be harmed."""
    folder = tmp_path / "audit"
    written(AuditSettings(folder, segment_bytes=3000), some(made)[:30])
    return folder


def test_an_index_that_was_deleted_or_spoiled_is_built_again(copy: Path) -> None:
    catch_up(copy)
    before = page(copy, Filters(), 100)
    for harm in (lambda path: path.unlink(), lambda path: path.write_bytes(b"no database" * 500)):
        harm(copy / FILE)
        catch_up(copy)
        assert page(copy, Filters(), 100) == before


def test_an_index_of_another_log_is_not_believed(copy: Path, made: Make, written: Callable[..., list[str]]) -> None:
    catch_up(copy)
    (copy / "chain-1").rename(copy / "aside")
    written(AuditSettings(copy, segment_bytes=3000), [made(999)] * 40)
    catch_up(copy)
    found = page(copy, Filters(), 100).entries
    assert {entry["request_id"] for entry in found} == {f"{999:032x}"}
    assert chains(copy)[0]["fault"] is None


def test_it_tells_of_a_record_that_does_not_follow(copy: Path) -> None:
    second = sorted((copy / "chain-1").glob("*[0-9].jsonl"))[1]
    second.write_bytes(second.read_bytes().replace(b'"kind":', b'"Kind":', 1))
    catch_up(copy)
    (chain,) = chains(copy)
    assert chain["fault"] is not None
    assert chain["verified"] == int(second.stem)
    assert chain["last"] > chain["verified"]


def test_what_was_removed_is_not_found_any_more(copy: Path) -> None:
    catch_up(copy)
    first, second, *_ = sorted((copy / "chain-1").glob("*[0-9].jsonl"))
    first.unlink()
    assert all(e["position"]["decision"] >= int(second.stem) for e in page(copy, Filters(), 100).entries)
    catch_up(copy)
    with sqlite3.connect(copy / FILE) as database:
        assert database.execute("SELECT min(decision) FROM requests").fetchone()[0] >= int(second.stem)


def test_a_log_whose_oldest_part_is_gone_is_indexed_from_there(copy: Path) -> None:
    first, *_ = sorted((copy / "chain-1").glob("*[0-9].jsonl"))
    first.unlink()
    catch_up(copy)
    (chain,) = chains(copy)
    assert chain["fault"] is None
    assert chain["verified"] == chain["last"]


def test_one_process_at_a_time_builds_it(copy: Path) -> None:
    indexer = Indexer(copy)
    with pytest.raises(BlockingIOError):
        Indexer(copy)
    indexer.close()
    Indexer(copy).close()


# Exports


def test_json_lines_hold_everything(log: Path) -> None:
    assert [json.loads(line) for line in FORMATS["jsonl"](entries(log, Filters()))] == naive(log)[::-1]


def test_a_table_has_a_row_a_request_and_no_formulas(log: Path) -> None:
    rows = list(csv.DictReader(io.StringIO("".join(FORMATS["csv"](entries(log, Filters()))), newline="")))
    assert [row["request_id"] for row in rows] == [entry["request_id"] for entry in naive(log)[::-1]]
    bad = {**naive(log)[0], "text": '=HYPERLINK("http://evil","x")\n', "path": "+1"}
    (row,) = csv.DictReader(io.StringIO("".join(FORMATS["csv"]([bad])), newline=""))
    assert row["text"].startswith("'=")
    assert row["path"] == "'+1"


def test_opentelemetry_takes_the_log_records(log: Path) -> None:
    records = [
        record
        for line in FORMATS["otlp"](entries(log, Filters()))
        for resource in json.loads(line)["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]
    assert len(records) == COUNT
    assert {record["severityText"] for record in records} == {"INFO", "WARN", "ERROR"}
    newest = naive(log)[0]
    assert records[-1]["traceId"] == newest["trace_id"]
    assert int(records[-1]["timeUnixNano"]) == int((T0 + (COUNT - 1) * 7.5) * 1_000_000_000)


# Filters as people write them


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 970), ("2m", 880), ("1h", -2600), ("1970-01-01T00:10:00Z", 600), ("1970-01-01T01:10:00+01:00", 600)],
)
def test_moments(text: str, seconds: float) -> None:
    assert parse({"since": text}, 1000.0).since == seconds


@pytest.mark.parametrize("text", ["yesterday", "15", "-5m", "5 m", "2026-13-01", "99999999d", "９m"])
def test_what_is_no_moment_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(FilterError, match="15m"):
        parse({"until": text}, 0.0)
