"""Following a log as it is written: what has come since the last look, each request with what is known of it."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aimux.audit.entry import Entry, entry_of
from aimux.audit.errors import reading
from aimux.audit.filters import Filters
from aimux.audit.format.reading import are_numbered, number_in, parse
from aimux.audit.segments import Segment, chain_folder, chains_in, segments_in

# A few thousand requests under way; as many as need be where their outcomes were skipped and never come.
_MOST_OPEN_BYTES: Final = 4 * 1024 * 1024
_LAST_BYTES: Final = 1024 * 1024
_READ_AT_ONCE: Final = 4 * 1024 * 1024
_OF_REQUESTS: Final = ("decision", "outcome")


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that has come: `decision` or `outcome`, what is known of its request now, and its place."""

    kind: str
    entry: Entry
    chain: int
    number: int


@dataclass(slots=True)
class Look:
    """What has come since the last look.

    Of `skipped` records nothing was read, since too many came. `unreadable` counts lines that are no records, and
    records of requests that do not say which: whether the filters would let them through is not known.
    """

    seen: list[Seen] = field(default_factory=list)
    skipped: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class _Place:
    segment: int
    offset: int


class _Open:
    """Decisions whose outcomes have not come yet, as lines: the newest, as many as there is room for."""

    def __init__(self) -> None:
        self._lines: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._bytes = 0

    def add(self, chain: int, number: int, line: bytes) -> None:
        """Keep one; the oldest are forgotten for it."""
        self.take(chain, number)
        self._lines[chain, number] = line
        self._bytes += len(line)
        while self._bytes > _MOST_OPEN_BYTES:
            _, oldest = self._lines.popitem(last=False)
            self._bytes -= len(oldest)

    def take(self, chain: int, number: int) -> bytes | None:
        """The one with this number, which is not kept any longer."""
        line = self._lines.pop((chain, number), None)
        self._bytes -= len(line or b"")
        return line


class Follower:
    """Reads what is appended to a log. Only requests that pass the filters are given.

    The outcome of a request is not, where its decision was skipped, or came before more others than are remembered.
    """

    def __init__(self, log: Path, filters: Filters) -> None:
        """Begins at the end of the log as it is now. Raises UnreadableError, as all of it does."""
        self._log = log
        self._filters = filters
        self._places: dict[int, _Place] = {}
        self._open = _Open()
        with reading(log):
            for chain in chains_in(log):
                segments = segments_in(chain_folder(log, chain))
                if segments:
                    self._places[chain] = _Place(segments[-1].first, _whole_size(segments[-1]))

    def last(self, count: int) -> list[Entry]:
        """The last requests before, oldest first, as far as the last megabyte of each chain tells."""
        return self.latest(count)[0]

    def latest(self, count: int) -> tuple[list[Entry], int]:
        """The same, and how many lines there are unreadable, as `Look` counts them."""
        found: dict[tuple[int, int], Entry] = {}
        look = Look()
        with reading(self._log):
            for chain, line in self._last_lines():
                self._take(chain, line, look)
        for seen in look.seen:
            found[seen.chain, seen.entry["position"]["decision"]] = seen.entry
        return (_in_order(found)[-count:] if count else []), look.unreadable

    def look(self, most: int | None = None) -> Look:
        """What has come since. Of more than `most` records a chain, only the last are read."""
        look = Look()
        with reading(self._log):
            for chain in chains_in(self._log):
                for line in self._new_lines(chain, most, look):
                    self._take(chain, line, look)
        return look

    def _last_lines(self) -> Iterator[tuple[int, bytes]]:
        for chain, place in self._places.items():
            for segment in segments_in(chain_folder(self._log, chain))[-2:]:
                end = place.offset if segment.first == place.segment else segment.size
                for line in _lines(segment.path, max(end - _LAST_BYTES, 0), end, whole=end <= _LAST_BYTES):
                    yield chain, line

    def _new_lines(self, chain: int, most: int | None, look: Look) -> Iterator[bytes]:
        segments = segments_in(chain_folder(self._log, chain))
        if not segments:
            return
        place = self._places.setdefault(chain, _Place(segments[0].first, 0))
        lines: list[bytes] = []
        for segment in segments:
            if segment.first < place.segment:
                continue
            if segment.first > place.segment:
                place.segment, place.offset = segment.first, 0
            while data := _read(segment.path, place.offset):
                place.offset += len(data)
                lines += data.split(b"\n")[:-1]
                if most is not None and len(lines) > most:
                    look.skipped += len(lines) - most
                    lines = lines[-most:]
        yield from lines

    def _take(self, chain: int, line: bytes, look: Look) -> None:
        fields = parse(line)
        kind = None if fields is None else fields.get("kind")
        if fields is None or (kind in _OF_REQUESTS and not are_numbered(fields)):
            look.unreadable += 1
            return
        number = number_in(fields, "seq") or 0
        if kind == "decision":
            entry = entry_of(chain, fields, None)
            if not self._filters.concern(entry):
                return
            self._open.add(chain, number, line)
        elif kind == "outcome":
            decision = self._open.take(chain, number_in(fields, "decision") or 0)
            if decision is None:
                return
            entry = entry_of(chain, parse(decision) or {}, fields)
        else:
            return
        if self._filters.take(entry["verdict"]):
            look.seen.append(Seen(kind, entry, chain, number))


def _in_order(found: dict[tuple[int, int], Entry]) -> list[Entry]:
    """Requests in the order of their chains, the chains by time: a clock that was set back parts no chain's order."""
    ordered: list[tuple[str, int, int]] = []
    chain, latest = 0, ""
    for key in sorted(found):
        latest = max(latest, str(found[key]["time"])) if key[0] == chain else str(found[key]["time"])
        chain = key[0]
        ordered.append((latest, *key))
    return [found[chain, number] for _, chain, number in sorted(ordered)]


def _read(path: Path, offset: int) -> bytes:
    """The whole lines behind a byte, or as many of them as are read at once: one at least, however long it is."""
    data = b""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            while more := file.read(_READ_AT_ONCE):
                data += more
                if b"\n" in more:
                    break
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def _lines(path: Path, start: int, end: int, *, whole: bool) -> list[bytes]:
    """The lines between two bytes; the first of them may be cut unless `whole`."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            lines = file.read(end - start).split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return lines if whole else lines[1:]


def _whole_size(segment: Segment) -> int:
    """The size of a segment's whole lines."""
    size = segment.size
    start = max(size - _LAST_BYTES, 0)
    try:
        with segment.path.open("rb", buffering=0) as file:
            file.seek(start)
            return start + file.read(size - start).rfind(b"\n") + 1
    except FileNotFoundError:
        return 0
