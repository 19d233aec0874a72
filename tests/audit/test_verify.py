"""Whatever is done to the records or the checkpoints of a log, verifying names it."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.audit.chain import digest_of, linked
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import Verdict, verify

ROUNDS = 40
Make = Callable[..., object]


class Lines:
    """All lines of a chain, to be changed and put back."""

    def __init__(self, log: Path) -> None:
        self.files = sorted((log / "chain-1").glob("*[0-9].jsonl"))
        self.rows = [(path, line) for path in self.files for line in path.read_bytes().splitlines(keepends=True)]

    def put_back(self) -> None:
        for path in self.files:
            path.write_bytes(b"".join(line for at, line in self.rows if at == path))

    def change(self, at: int, line: bytes) -> None:
        self.rows[at] = (self.rows[at][0], line)

    def __len__(self) -> int:
        return len(self.rows)


def judged(log: Path, elsewhere: Path | None = None) -> Verdict:
    (verdict,) = verify(log, Verifier.at(log / PUBLIC_KEY), elsewhere)
    return verdict


def blamed(log: Path) -> int:
    """The record that is named."""
    fault = judged(log).fault
    assert fault is not None
    assert fault.record is not None, fault
    assert fault.why
    return fault.record


def test_a_log_that_nobody_has_touched(log: Path) -> None:
    verdict = judged(log)
    assert verdict.fault is None
    assert (verdict.first, verdict.last, verdict.signed) == (1, 43, 43)
    assert len(Lines(log).files) > 3


def edit(lines: Lines, at: int, rng: random.Random) -> set[int]:
    line = bytearray(lines.rows[at][1])
    place = rng.randrange(len(line) - 1)
    line[place] = rng.choice([byte for byte in b'0123456789abcdef"{}: ,' if byte != line[place]])
    lines.change(at, bytes(line))
    return {at + 1}


def drop(lines: Lines, at: int, rng: random.Random) -> set[int]:
    del lines.rows[at]
    return {at + 1}


def swap(lines: Lines, at: int, rng: random.Random) -> set[int]:
    at = min(at, len(lines) - 2)
    (first, one), (second, two) = lines.rows[at], lines.rows[at + 1]
    lines.rows[at], lines.rows[at + 1] = (first, two), (second, one)
    return {at + 1, at + 2}


def duplicate(lines: Lines, at: int, rng: random.Random) -> set[int]:
    lines.rows.insert(at, lines.rows[at])
    return {at + 1}


def cut_off(lines: Lines, at: int, rng: random.Random) -> set[int]:
    path, line = lines.rows[at]
    lines.rows[at:] = [(path, line[: rng.randrange(len(line))])]
    return {at + 1}


def insert(lines: Lines, at: int, rng: random.Random) -> set[int]:
    lines.rows.insert(at, (lines.rows[at][0], b'{"forged":true}\n'))
    return {at + 1}


@pytest.mark.parametrize("tamper", [edit, drop, swap, duplicate, cut_off, insert])
def test_what_is_done_to_a_record_is_named(
    log: Path, tmp_path: Path, tamper: Callable[[Lines, int, random.Random], set[int]]
) -> None:
    rng = random.Random(tamper.__name__)
    total = len(Lines(log))
    for at in [0, 1, total - 2, total - 1, *(rng.randrange(total) for _ in range(ROUNDS))]:
        copy = tmp_path / "copy"
        shutil.copytree(log, copy)
        lines = Lines(copy)
        expected = tamper(lines, at, rng)
        lines.put_back()
        assert blamed(copy) in expected, (tamper.__name__, at)
        shutil.rmtree(copy)


def rewritten(lines: Lines, at: int) -> None:
    """Change a record and write every hash behind it anew, as somebody would who knows the format."""
    from aimux.audit.chain import digest_of

    previous = None
    for place, (path, raw) in enumerate(lines.rows):
        fields = json.loads(raw)
        if place == at:
            fields["rule"] = "nothing to see here"
        if previous is not None:
            fields["prev"] = previous
        line = json.dumps(fields, separators=(",", ":")).encode("ascii") if place >= at else raw[:-1]
        lines.rows[place] = (path, line + b"\n")
        previous = digest_of(line)


def test_a_history_that_was_written_anew_is_not_the_one_that_was_signed(log: Path) -> None:
    lines = Lines(log)
    rewritten(lines, 5)
    lines.put_back()
    verdict = judged(log)
    assert verdict.fault is not None
    assert "signed" in verdict.fault.why


def test_a_whole_segment_that_is_gone(log: Path) -> None:
    second = Lines(log).files[1]
    second.unlink()
    assert blamed(log) == int(second.stem)


def test_a_segment_that_is_gone_and_a_record_behind_it_that_was_changed_are_both_named(log: Path) -> None:
    lines = Lines(log)
    lines.files[1].unlink()
    gone = int(lines.files[1].stem)
    changed = lines.files[3]
    changed.write_bytes(changed.read_bytes().replace(b"revenue", b"nothing", 1))
    faults = judged(log).faults
    assert faults[0].record == gone
    assert "are missing" in faults[0].why
    assert faults[1].place.startswith(changed.name)
    assert len(faults) == 2


def test_a_history_written_anew_behind_records_that_are_gone_is_not_the_one_that_was_signed(log: Path) -> None:
    """The ends of full files are signed: what follows missing records has to carry the one that they ended with."""
    lines = Lines(log)
    lines.files[-2].unlink()
    first = int(lines.files[-1].stem)
    rest, prev = [], "f" * 64
    for number, line in enumerate(lines.files[-1].read_bytes().splitlines(), first):
        body = line.split(b",", 2)[2].decode()
        rest.append(linked(number, prev, body))
        prev = digest_of(rest[-1])
    lines.files[-1].write_bytes(b"".join(each + b"\n" for each in rest))
    path = log / "chain-1" / "checkpoints.jsonl"
    kept = [each for each in path.read_bytes().splitlines(keepends=True) if json.loads(each)["count"] < first]
    path.write_bytes(b"".join(kept))
    gone, changed = judged(log).faults
    assert gone.record == int(lines.files[-2].stem)
    assert changed.record == first - 1
    assert "not the one that was signed" in changed.why


def test_the_oldest_segments_that_are_gone_without_a_word(log: Path) -> None:
    first, second, *_ = Lines(log).files
    first.unlink()
    fault = judged(log).fault
    assert fault is not None
    assert fault.record == int(second.stem) - 1


def test_checkpoints_that_are_forged_or_gone(log: Path, tmp_path: Path) -> None:
    path = log / "chain-1" / "checkpoints.jsonl"
    whole = path.read_text()
    last = json.loads(whole.splitlines()[-1])
    path.write_text(whole + json.dumps(last | {"count": last["count"] - 1}) + "\n")
    assert "signature" in str(judged(log).fault)
    path.write_text(whole + "not a checkpoint\n")
    assert "no checkpoint" in str(judged(log).fault)
    path.write_text("")
    assert "nothing proves" in str(judged(log).fault)
    path.write_text(whole)
    assert judged(log).fault is None


def test_another_key_signs_nothing(log: Path, written: Callable[..., list[str]], tmp_path: Path) -> None:
    other = tmp_path / "other"
    written(AuditSettings(other), [])
    (verdict,) = verify(log, Verifier.at(other / PUBLIC_KEY))
    assert "signature" in str(verdict.fault)


def test_a_tail_that_was_cut_together_with_its_checkpoints_shows_in_the_second_place(
    tmp_path: Path, written: Callable[..., list[str]], made: Callable[..., object]
) -> None:
    log, far = tmp_path / "audit", tmp_path / "far.jsonl"
    settings = AuditSettings(log, checkpoint_to=far)
    written(settings, [made(1)])
    kept = (log / "chain-1" / "checkpoints.jsonl").read_bytes(), Lines(log).files[0].read_bytes()
    written(settings, [made(2)])
    assert judged(log, far).fault is None
    (log / "chain-1" / "checkpoints.jsonl").write_bytes(kept[0])
    Lines(log).files[0].write_bytes(kept[1])
    assert judged(log).fault is None  # nothing here can tell
    fault = judged(log, far).fault
    assert fault is not None
    assert fault.record == json.loads(kept[1].splitlines()[-1])["seq"] + 1


def test_a_chain_that_is_gone_shows_in_the_second_place(
    tmp_path: Path, written: Callable[..., list[str]], made: Callable[..., object]
) -> None:
    log, far = tmp_path / "audit", tmp_path / "far.jsonl"
    for chain in (1, 2):
        written(AuditSettings(log, checkpoint_to=far), [made(chain)], chain)
    assert [verdict.fault for verdict in verify(log, Verifier.at(log / PUBLIC_KEY), far)] == [None, None]
    shutil.rmtree(log / "chain-2")
    verdicts = verify(log, Verifier.at(log / PUBLIC_KEY), far)
    assert [verdict.fault is None for verdict in verdicts] == [True, False]


def test_two_histories_that_were_both_signed(tmp_path: Path, written: Callable[..., list[str]], made: Make) -> None:
    log = tmp_path / "audit"
    written(AuditSettings(log), [made(1)])
    fork = tmp_path / "fork"
    shutil.copytree(log, fork)
    for folder, number in ((log, 2), (fork, 3)):
        written(AuditSettings(folder), [made(number)])
    own = log / "chain-1" / "checkpoints.jsonl"
    far = fork / "chain-1" / "checkpoints.jsonl"
    assert "two different histories" in str(judged(log, far).fault)
    own.write_text(own.read_text() + far.read_text())
    assert "two different histories" in str(judged(log).fault)
