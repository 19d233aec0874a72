"""Verifying a log: every chain from its first record to its last, held against every checkpoint that was signed."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints
from aimux.audit.chain import GENESIS, Head, digest_of, follows, number_of, previous_of
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.errors import AuditError
from aimux.audit.format.reading import number_in, parse, unclear
from aimux.audit.gaps import Gap, Gaps
from aimux.audit.incidents import missing
from aimux.audit.locks import is_held
from aimux.audit.segments import chain_folder, chains_in, lines_of, segments_in
from aimux.audit.signing import Verifier

_ATTEMPTS: Final = 3
_TRIMMED: Final = b',"kind":"trimmed",'


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a chain: which record it shows in, where that stands, and why."""

    chain: int
    record: int | None
    place: str
    why: str

    def __str__(self) -> str:
        what = f"chain {self.chain}" + ("" if self.record is None else f", record {self.record}")
        return f"{what} ({self.place}): {self.why}"


@dataclass(slots=True)
class Verdict:
    """What was found of a chain: its first and last record, what of it is signed, and what is wrong with it.

    `not_interpreted` counts the records whose hash is right and that this build does not know, or not all of, by why.

    Behind records that are missing the chain is followed on, so that there may be several faults. Nothing is read
    behind a fault of another kind.
    """

    chain: int
    origin: str = ""
    first: int = 0
    last: int = 0
    signed: int = 0
    checkpoints: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_interpreted: Counter[str] = field(default_factory=Counter)

    @property
    def fault(self) -> Fault | None:
        """The first thing that is wrong, None where the chain is whole."""
        return self.faults[0] if self.faults else None


class _Broken(Exception):  # noqa: N818  (carries what is wrong, and is not an error of this program)
    def __init__(self, record: int | None, place: str, why: str, last: int | None = None) -> None:
        """`last` is the last of the records that are missing, where that is what is wrong."""
        super().__init__(why)
        self.record, self.place, self.why, self.last = record, place, why, last


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    raw: bytes
    ended: bool


def verify(log: Path, verifier: Verifier, elsewhere: Path | None = None) -> list[Verdict]:
    """Verify every chain of a log; `elsewhere` is the second place of checkpoints. One verdict a chain.

    Raises FileNotFoundError where there is no log, and AuditError where there is no such second place. While a gateway
    writes it, what was written until now is verified.
    """
    far = [] if elsewhere is None else _far(elsewhere)
    chains = chains_in(log)
    if not chains and not far:
        raise FileNotFoundError(f"there is no audit log in {log}")
    verdicts = [_verify_again(log, chain, verifier, far) for chain in chains]
    known = {verdict.origin for verdict in verdicts}
    unknown = {each.origin: each for each in far if each.origin not in known and verifier.accepts(each)}
    for lost in unknown.values():
        why = f"checkpoints of chain {lost.origin} were signed, and it is not in this log"
        verdicts.append(Verdict(lost.chain, lost.origin, faults=[Fault(lost.chain, None, str(elsewhere), why)]))
    if elsewhere is not None:
        told = {each.origin for each in far}
        for verdict in verdicts:
            if verdict.origin not in told:
                verdict.notes.append(f"{elsewhere} holds no checkpoint of it")
    return verdicts


def _far(elsewhere: Path) -> list[Checkpoint]:
    if not elsewhere.exists():
        raise AuditError(
            f"there is no second file of checkpoints, {elsewhere}: it was never written, or somebody has removed it"
        )
    return checkpoints.read(elsewhere)[0]


def _verify_again(log: Path, chain: int, verifier: Verifier, far: Sequence[Checkpoint]) -> Verdict:
    """Verify a chain, once more where the gateway has removed its oldest segment meanwhile."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(FileNotFoundError):
            return _verify_chain(log, chain, verifier, far)
    return _verify_chain(log, chain, verifier, far)


def _verify_chain(log: Path, chain: int, verifier: Verifier, far: Sequence[Checkpoint]) -> Verdict:
    folder = chain_folder(log, chain)
    verdict, gaps = Verdict(chain), Gaps()
    flaw: list[Fault] = []
    try:
        # Before the records: those that are signed meanwhile are there by then.
        signed = _signed(folder, verifier, verdict)
        verdict.origin = signed[0].origin if signed else ""
        signed += _accepted([each for each in far if each.origin == verdict.origin], verifier, "audit.checkpoint_to")
        signed.sort(key=lambda each: each.count)
        verdict.checkpoints, verdict.signed = len(signed), signed[-1].count if signed else 0
        _walk(folder, signed, verdict, gaps)
    except _Broken as broken:
        flaw.append(Fault(chain, broken.record, broken.place, broken.why))
    verdict.faults = [*(Fault(chain, gap.first, gap.place, gaps.why(gap)) for gap in gaps.found), *flaw]
    return verdict


def _signed(folder: Path, verifier: Verifier, verdict: Verdict) -> list[Checkpoint]:
    path = folder / checkpoints.FILE
    found, broken = checkpoints.read(path)
    if broken:
        raise _Broken(None, f"{path.name}:{broken[0]}", "this line is no checkpoint")
    if not found:
        raise _Broken(None, path.name, "there is no checkpoint: nothing proves that the chain is whole")
    strange = next((each for each in found if (each.origin, each.chain) != (found[0].origin, verdict.chain)), None)
    if strange is not None:
        raise _Broken(strange.count, path.name, "this checkpoint is of another chain")
    return _accepted(found, verifier, path.name)


def _accepted(found: Sequence[Checkpoint], verifier: Verifier, place: str) -> list[Checkpoint]:
    for each in found:
        if not verifier.accepts(each):
            raise _Broken(
                each.count, place, "the signature of its checkpoint is wrong: it was forged, or another key's"
            )
    return list(found)


def _walk(folder: Path, signed: Sequence[Checkpoint], verdict: Verdict, gaps: Gaps) -> None:
    """Follow the records, note where some are missing, and raise at what else is wrong."""
    heads: dict[int, str] = {}
    for each in signed:
        if heads.setdefault(each.count, each.head) != each.head:
            raise _Broken(each.count, folder.name, "two different histories were signed up to it")
    lines = _lines(folder)
    line = next(lines, None)
    if line is None:
        raise _Broken(1, folder.name, "there are no records, though some were signed")
    head, trimmed = _beginning(folder, line, heads, verdict, gaps), False
    while line is not None:
        following = next(lines, None)
        if not line.ended:
            if following is None or (number_of(following.raw) or 0) <= head.count + 1:
                _torn(folder, head, line, verdict, is_last=following is None)
                break
            line = following  # whose gap tells of it
            continue
        if not follows(head, line.raw):
            head = _past_gap(_flaw(head, line, following), line, gaps)
            _check_signed(head.count, head.digest, heads, line)
        digest = digest_of(line.raw)
        if following is not None and following.ended:
            _check_link(Head(head.count + 1, digest), line, following, lines, heads)
        count = head.count + 1
        why = unclear(parse(line.raw))
        if why is not None:
            verdict.not_interpreted[why] += 1
        gaps.hear(Head(count, digest), line.raw)
        _check_signed(count, digest, heads, line)
        trimmed = trimmed or (_TRIMMED in line.raw and _tells_of(line.raw, verdict.first))
        head, line = Head(count, digest), following
    verdict.last = head.count
    _check_end(folder, head, verdict, None if trimmed else gaps)


def _check_end(folder: Path, head: Head, verdict: Verdict, gaps: Gaps | None) -> None:
    """`gaps` are None where a record says that the gateway removed what is older than the first record."""
    if verdict.signed > head.count:
        why = f"the log ends with record {head.count}, but {verdict.signed} were signed: its end was cut off"
        raise _Broken(head.count + 1, folder.name, why)
    if verdict.first > 1 and gaps is not None:
        why = f"the log begins with record {verdict.first}, and no record says that the gateway removed the older ones"
        if (teller := gaps.teller_of(verdict.first - 1)) is not None:
            why += f"; record {teller} tells that they were lost"
        raise _Broken(verdict.first - 1, folder.name, why)


def _past_gap(flaw: _Broken, line: _Line, gaps: Gaps) -> Head:
    """Where the chain stood before a line in front of which records are missing. Raises any other flaw."""
    before = None if flaw.last is None else Head(flaw.last, previous_of(line.raw))
    if before is None or flaw.record is None or not follows(before, line.raw):
        raise flaw
    gaps.found.append(Gap(flaw.record, before.count, flaw.place, flaw.why))
    return before


def _lines(folder: Path) -> Iterator[_Line]:
    for segment in segments_in(folder):
        for number, (_, raw, ended) in enumerate(lines_of(segment.path), 1):
            yield _Line(f"{segment.path.name}:{number}", raw, ended)


def _beginning(folder: Path, line: _Line, heads: dict[int, str], verdict: Verdict, gaps: Gaps) -> Head:
    """Where the chain stood before the first record that is kept: nowhere, or where a checkpoint says."""
    first = number_of(line.raw)
    if first is None:
        raise _Broken(
            int(line.place.partition(".")[0]), line.place, "the line is no record: it was changed or cut short"
        )
    verdict.first = first
    if first == 1:
        return GENESIS
    begin = segments_in(folder)[0].first
    if begin < first:
        why = f"{missing(begin, first - 1)} before record {first}"
        verdict.first = begin
        return _past_gap(_Broken(begin, line.place, why, first - 1), line, gaps)
    if first - 1 not in heads:
        raise _Broken(first - 1, line.place, "it is missing, and the log did not end there when it was last signed")
    return Head(first - 1, heads[first - 1])


def _flaw(head: Head, line: _Line, following: _Line | None) -> _Broken:
    """Why a line does not follow: something else is there, or nothing, or the line itself was changed."""
    expected = head.count + 1
    number = number_of(line.raw)
    if number is None:
        return _Broken(expected, line.place, "the line is no record: it was changed or cut short")
    if number == expected:
        why = "it does not carry the hash of the record before it: this one was changed, or that one"
        return _Broken(expected, line.place, why)
    after = None if following is None else number_of(following.raw)
    if number <= head.count:
        if number == head.count:
            return _Broken(number, line.place, "it stands twice")
        return _Broken(number, line.place, f"it stands where record {expected} belongs")
    if number == expected + 1 and after == expected:
        return _Broken(expected, line.place, f"it has changed places with record {number}")
    return _Broken(expected, line.place, f"{missing(expected, number - 1)} before this one", number - 1)


def _check_link(here: Head, line: _Line, following: _Line, lines: Iterator[_Line], heads: dict[int, str]) -> None:
    """Tell which of two neighbours was changed, where the second does not carry the hash of the first."""
    if follows(here, following.raw) or number_of(following.raw) != here.count + 1:
        return  # what else is wrong with the next one, the next step tells
    third, digest = next(lines, None), digest_of(following.raw)
    if third is None:
        intact = heads.get(here.count + 1, digest) == digest
    else:
        intact = follows(Head(here.count + 1, digest), third.raw)
    if intact:
        raise _Broken(here.count, line.place, "its hash is not the one that the next record carries: it was changed")
    raise _Broken(here.count + 1, following.place, "it does not carry the hash of the record before it: it was changed")


def _check_signed(count: int, digest: str, heads: dict[int, str], line: _Line) -> None:
    if count in heads and heads[count] != digest:
        why = "its hash is not the one that was signed: it was changed, or everything up to it was written anew"
        raise _Broken(count, line.place, why)


def _torn(folder: Path, head: Head, line: _Line, verdict: Verdict, *, is_last: bool) -> None:
    if not is_last:
        raise _Broken(head.count + 1, line.place, "the line was cut short")
    if not is_held(folder):
        why = f"the line is torn: {len(line.raw)} bytes without an end. The gateway repairs this when it starts"
        raise _Broken(head.count + 1, line.place, why)
    verdict.notes.append("a gateway is writing: its last line was not complete yet")


def _tells_of(raw: bytes, first: int) -> bool:
    told = number_in(parse(raw) or {}, "first")
    return told is not None and told >= first
