"""What was decided, read again from a log's segments or from an export, the oldest first, a record at a time.

No index is needed. A record that cannot be read is counted and left out, and so is counted where a chain breaks.
"""

import hashlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from aimux.audit.chain import Head, digest_of, follows, number_of
from aimux.audit.entry import ANONYMOUS, UNIDENTIFIED
from aimux.audit.errors import UnreadableError, reading
from aimux.audit.filters import Filters
from aimux.audit.format.field import Fields
from aimux.audit.format.old_rules import rule_of
from aimux.audit.format.reading import is_understood, parse, read_decision, version_of
from aimux.audit.format.schema import VERSION
from aimux.audit.locks import is_held
from aimux.audit.redact import BLOT
from aimux.audit.segments import LONGEST_LINE, Segment, chain_folder, chains_in, lines_of, segments_in
from aimux.core.policy import FALLBACK_NAME
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.rules import RULE_BY_ID, Rule

_KIND: Final = re.compile(rb'\{"seq":[0-9]{1,18},"prev":"[0-9a-f]{64}","kind":"([a-z_]{1,32})"')
_MOST_SAID: Final = 5
_UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as it was recorded. `time` is in seconds since the epoch.

    `scores` are those of the best routes by name, rounded to four places; `score` is None where no route was chosen by
    meaning. `rule` is None where the record names none that this version knows; `says` is its sentence as it was
    recorded. `chosen_by` is None where no route was chosen, and in records that do not say it. `is_listed` tells that
    the text was one of several in a list. `standing` is the digest of the run-time state, None in records that do not
    say it. `schema` is the version of the record: of one that this build does not know (`is_understood`), the fields
    that are known are here, and nothing may be judged by them.
    """

    time: float
    request_id: str
    agent: str | None
    identity: str | None
    dialect: str
    text: str | None
    text_digest: str | None
    route: str | None
    score: float | None
    scores: tuple[tuple[str, float], ...]
    verdict: str
    rule: Rule | None
    says: str
    config: str | None
    model: str | None
    method: str = ""
    path: str = ""
    chosen_by: str | None = None
    is_listed: bool = False
    schema: int = VERSION
    standing: str | None = None

    @property
    def caller(self) -> str:
        """Who asked: a name, or in parentheses that there is none."""
        return UNIDENTIFIED if self.identity is None else self.agent or ANONYMOUS

    @property
    def is_blotted(self) -> bool:
        """Whether something of the text was blotted out, or may have been: the digest is that of what is left."""
        return BLOT in (self.text or "")

    @property
    def is_whole(self) -> bool:
        """Whether the recorded text is proved to be all that was said, as it was said."""
        if self.text is None or self.is_blotted:
            return False
        try:
            return hashlib.sha256(self.text.encode()).hexdigest() == self.text_digest
        except UnicodeEncodeError:
            return False


class Decisions:
    """The decisions of a log's folder, or of a file that was exported as JSON lines, of a span of time.

    `faults` counts what could not be read or does not follow the record before it, `said` is where the first of it is.
    """

    def __init__(self, source: Path, filters: Filters) -> None:
        """Of the filters only the moments are looked at. Raises UnreadableError where there is nothing to read."""
        self._source = source
        self._filters = filters
        self.faults = 0
        self.said: list[str] = []
        with reading(source):
            self._is_folder = source.is_dir()
            if not self._is_folder and not source.is_file():
                raise UnreadableError(
                    f"there is no audit log in {source}: name its folder, or a file that `aimux audit export` wrote"
                )
            if self._is_folder and not chains_in(source):
                raise UnreadableError(f"there is no audit log in {source}: name the folder that audit.path says")

    def __iter__(self) -> Iterator[Decided]:
        """Raises UnreadableError where the disk fails."""
        with reading(self._source):
            for found in self._from_folder() if self._is_folder else self._from_file():
                if self._is_wanted(found.time):
                    yield found

    def _is_wanted(self, time: float) -> bool:
        since, until = self._filters.since, self._filters.until
        return (since is None or time >= since) and (until is None or time < until)

    def _fault(self, place: str, why: str) -> None:
        self.faults += 1
        if len(self.said) < _MOST_SAID:
            self.said.append(f"{place}: {why}")

    # A log's folder.

    def _from_folder(self) -> Iterator[Decided]:
        for chain in chains_in(self._source):
            folder = chain_folder(self._source, chain)
            segments, head = segments_in(folder), None
            for segment in segments:
                head = yield from self._from_segment(segment, head, is_last=segment is segments[-1], folder=folder)

    def _from_segment(
        self, segment: Segment, head: Head | None, *, is_last: bool, folder: Path
    ) -> Generator[Decided, None, Head | None]:
        """The decisions of a segment; where the chain stands behind it is returned, None where that is not known."""
        try:
            for number, (_, line, ended) in enumerate(lines_of(segment.path), 1):
                place = f"{folder.name}/{segment.path.name}:{number}"
                if not ended:
                    if not (is_last and is_held(folder)):  # otherwise it is being written
                        self._fault(place, "the line was cut short")
                    return None
                if head is not None and not follows(head, line):
                    self._fault(place, "it does not follow the record before it")
                count = number_of(line)
                head = None if count is None else Head(count, digest_of(line))
                found = self._decision_of(line, place)
                if found is not None:
                    yield found
        except FileNotFoundError:
            return None  # removed meanwhile for its age
        return head

    def _decision_of(self, line: bytes, place: str) -> Decided | None:
        kind = _KIND.match(line)
        if kind is not None and kind.group(1) != b"decision":
            return None
        try:
            if kind is None:
                raise ValueError("no record")
            return decided(_object(line))
        except _UNREADABLE:
            self._fault(place, "the line is no record that can be read")
            return None

    # A file.

    def _from_file(self) -> Iterator[Decided]:
        with self._source.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if line.isspace():
                    continue
                try:
                    yield from_export(_object(line))
                except _UNREADABLE:
                    self._fault(f"{self._source.name}:{number}", "the line is no request that can be read")


def _object(line: bytes) -> Fields:
    found = parse(line)
    if found is None:
        raise ValueError("no JSON object")
    return found


def from_export(entry: Fields) -> Decided:
    """A decision from an exported request. Raises what `decided` raises."""
    if not is_understood(version_of(entry)):
        return decided(entry)
    scores = [(row["route"], row["score"], row["min_score"]) for row in entry["scores"]]
    return decided({**entry, "scores": scores})


def decided(fields: Fields) -> Decided:
    """A decision from its record. Raises KeyError, ValueError, TypeError and OverflowError for what is none.

    An export has the verdict that a request ended with. Only what was decided to be forwarded has a time until then.
    """
    schema = version_of(fields)
    if not is_understood(schema):
        read = read_decision(fields)
        # Of another schema it is not known what is wrong with a record: what is known of it has its place.
        fields = {**read, "scores": [], "score": None}
    names = ("agent", "identity", "text", "text_digest", "route", "config", "model")
    optional = {name: _text_or_none(fields[name]) for name in names}
    optional |= {name: _text_or_none(fields.get(name)) for name in ("chosen_by", "standing")}
    words = {name: _text(fields[name]) for name in ("request_id", "dialect", "verdict")}
    words |= {name: _text(fields.get(name, "")) for name in ("method", "path")}
    time = datetime.fromisoformat(_text(fields["time"])).timestamp()
    if time < 0:
        raise ValueError("no moment of a log")
    score = None if fields["score"] is None else _share(fields["score"])
    scores = tuple((_text(route), _share(value)) for route, value, _ in fields["scores"])
    if len(dict(scores)) < len(scores):
        raise ValueError("two scores of one route")
    if fields["decided_ms"] is not None:
        words["verdict"] = VERDICT_FALLBACK if optional["route"] == FALLBACK_NAME else VERDICT_FORWARD
    is_listed = fields.get("listed") is not None
    says = _text(fields["rule"])
    rule = _rule(_text_or_none(fields.get("rule_id")), says, words["verdict"])
    known = {"time": time, "score": score, "scores": scores, "is_listed": is_listed, "schema": schema}
    return Decided(rule=rule, says=says, **known, **words, **optional)  # type: ignore[arg-type]


def _rule(identifier: str | None, says: str, verdict: str) -> Rule | None:
    return rule_of(says, verdict) if identifier is None else RULE_BY_ID.get(identifier)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _share(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise ValueError("no number from 0 to 1")
    return float(value)
