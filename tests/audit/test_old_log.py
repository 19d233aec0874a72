"""A log that an older build wrote is read as that build read it: fields may be new, and nothing else is otherwise.

What the older build answers is kept beside the log (`old_log`), which it wrote with two workers, was killed twice while
it did, and left with a torn line at its end.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import ask
from e2e_support.waiting import until
from old_log import LOG, read_answers
from old_log.comparison import differences
from old_log.mesh import reading_config
from old_log.over_http import answers_over_http, serving
from old_log.questions import CURRENT, Answers, Entry, answers_of_commands, commands, everything_in
from old_log.replaying import DOCUMENTED, PARTLY, answers_of_replay, by_rule_id, changes, is_decided_alike
from old_log.signing_key import write_key
from old_log.writing import CHAINS, check_coverage, records, segments

from aimux.audit.format.old_rules import rule_of

EVERYTHING = "export --format jsonl"
# By whichever policy and with whatever known of requests: these do not depend on a decision.
UNDECIDED = ("requests", "not_about_policy", "faulty_records", "faults")


@pytest.fixture(scope="module")
def answered() -> dict[str, Answers]:
    """What the older build answered: `commands`, `http` and `replay`."""
    return read_answers()


@pytest.fixture(scope="module")
def entries(answered: dict[str, Answers]) -> list[Entry]:
    """All requests as the older build read them, the oldest first."""
    found: list[Entry] = answered["commands"][EVERYTHING]["output"]
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A copy of the log that may be indexed, and gone on with."""
    return Path(shutil.copytree(LOG, tmp_path / "log"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The key that signed it."""
    return write_key(tmp_path / "key.pem")


def test_the_log_has_one_of_everything_and_a_torn_end() -> None:
    check_coverage(LOG)
    ends = [segments(LOG, chain)[-1].read_bytes()[-1:] for chain in CHAINS]
    assert ends == [b"\n", b'"']


def test_all_of_it_verifies_but_the_torn_end(answered: dict[str, Answers]) -> None:
    ((first, second),) = (each["chains"] for each in answered["commands"]["verify --json"]["output"])
    assert (first["fault"], second["fault"]["record"]) == (None, records(LOG, 2)[-1]["seq"] + 1)
    assert "The gateway repairs this when it starts" in second["fault"]["why"]


def test_commands_say_what_they_said(log: Path, answered: dict[str, Answers], entries: list[Entry]) -> None:
    assert differences(answered["commands"], answers_of_commands(CURRENT, log, commands(entries))) == []
    kept = {path.relative_to(LOG): path.read_bytes() for path in LOG.rglob("*") if path.is_file()}
    assert {path: (log / path).read_bytes() for path in kept} == kept


def test_the_endpoints_say_what_they_said(
    log: Path, key: Path, answered: dict[str, Answers], entries: list[Entry]
) -> None:
    with serving(CURRENT, log, reading_config(key)) as gateway:
        assert differences(answered["http"], answers_over_http(gateway, entries)) == []


def test_replay_decides_as_it_did_where_no_documented_change_concerns_the_request(
    log: Path, key: Path, tmp_path: Path, answered: dict[str, Answers], entries: list[Entry]
) -> None:
    old = {asked: by_rule_id(answer) for asked, answer in answered["replay"].items()}
    new = answers_of_replay(CURRENT, log, entries, key, tmp_path)
    # Of an export that holds nothing else, every figure, group, rule and note is the same.
    whole = {asked: answer for asked, answer in old.items() if asked not in PARTLY}
    assert len(whole) == 3
    assert differences(whole, new) == []
    # The log itself cannot leave these requests out, and they are in its figures: the others are compared one by one.
    by_id = {entry["request_id"]: entry for entry in entries}
    assert all(
        each["time"] == by_id[found]["time"] for answer in new.values() for found, each in changes(answer).items()
    )
    for asked in PARTLY:
        for name in UNDECIDED:
            assert differences(old[asked]["output"][name], new[asked]["output"][name]) == []
        assert differences(of_alike(old[asked], by_id), of_alike(new[asked], by_id)) == []


def of_alike(answer: dict[str, Any], by_id: dict[str, Entry]) -> list[Any]:
    """What would be decided otherwise, by request, of those that no documented change concerns."""
    found = changes(answer)
    return [found[each] for each in sorted(found) if is_decided_alike(by_id[each])]


def test_the_sentence_of_every_recorded_rule_has_an_id(entries: list[Entry]) -> None:
    unknown = [entry for entry in entries if rule_of(entry["rule"], entry["verdict"]) is None]
    assert {(entry["rule"], entry["verdict"]) for entry in unknown} == {("", "client_left")}


@pytest.mark.parametrize("change", DOCUMENTED)
def test_few_requests_are_left_out_of_what_is_replayed_alike(change: str, entries: list[Entry]) -> None:
    concerned = sum(map(DOCUMENTED[change], entries))
    assert 0 < concerned < len(entries) / 10
    assert sum(map(is_decided_alike, entries)) > 0.8 * len(entries)


def test_a_gateway_goes_on_with_the_log(log: Path, key: Path, entries: list[Entry]) -> None:
    sent: set[str] = set()
    with serving(CURRENT, log, reading_config(key)) as gateway:
        while not all(sent & requests_in(log, chain) for chain in CHAINS):
            answer = ask(gateway.port, target="/?q=will+it+rain+tomorrow", headers={"X-Source-Agent": "finance-bot"})
            assert (answer.status, len(sent) < 100) == (502, True)  # nobody listens at the upstream
            sent.add((answer.header("X-Request-ID") or b"").decode())
        wanted = sorted([*sent, *(entry["request_id"] for entry in entries)])
        until(lambda: sorted(each["request_id"] for each in page_of(gateway.port)) == wanted, "old and new requests")
    assert sorted(each["request_id"] for each in everything_in(CURRENT, log)) == wanted
    code, output, errors = CURRENT.run("audit", "verify", "--path", log)
    assert (code, output.count("ok"), errors) == (0, len(CHAINS), "")
    assert len(list(log.glob("chain-2/torn-*.bin"))) == 1
    for chain in CHAINS:
        assert differences(records(LOG, chain), records(log, chain)[: len(records(LOG, chain))]) == []


def requests_in(log: Path, chain: int) -> set[str]:
    """The requests that have an outcome in a chain."""
    return {each["request_id"] for each in records(log, chain) if each["kind"] == "outcome"}


def page_of(port: int) -> list[Entry]:
    """All requests of /audit."""
    found: list[Entry] = json.loads(ask(port, target="/audit?limit=500").body)["requests"]
    return found
