"""The figures: what is measured of whom, collected round by round, with the ratios that the table shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.spread import Spread, ratio

AIMUX: Final = "AIMux"
NGINX: Final = "nginx"
ENVOY: Final = "Envoy"
PORTKEY: Final = "Portkey"
LITELLM: Final = "LiteLLM"
LOOP: Final = "bare loop"
DIRECT: Final = "direct call"
WHOLE: Final = "as measured"
BY_PROCESSOR: Final = "by processor time"


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that is measured. `key` names it in the results file."""

    key: str
    title: str
    unit: str


SEEN: Final = Figure("seen", "Requests/s, texts seen before", "1/s")
NEW: Final = Figure("new", "Requests/s, every text new", "1/s")
P50: Final = Figure("p50", "One call, p50", "s")
P99: Final = Figure("p99", "One call, p99", "s")
ADDED_P50: Final = Figure("added_p50", "Added to a call, p50", "s")
ADDED_P99: Final = Figure("added_p99", "Added to a call, p99", "s")
BEYOND: Final = Figure("beyond", "Added to a call beyond the model, text new, p50", "s")
HALF_P50: Final = Figure("half_p50", "At half of its peak, p50", "s")
HALF_TAIL: Final = Figure("half_tail", "At half of its peak, p99 over p50", "x")
EVENT: Final = Figure("event", "One event of 200 streams, p50", "s")
ADDED_EVENT: Final = Figure("added_event", "Added to an event of 200 streams, p50", "s")
STREAM_MEMORY: Final = Figure("stream_memory", "Resident memory of an open, idle stream", "bytes")
DOWNLOAD: Final = Figure("download", "100 MiB down, bytes/s", "bytes")
UPLOAD: Final = Figure("upload", "100 MiB up by route name, bytes/s", "bytes")
TRANSFER_MEMORY: Final = Figure("transfer_memory", "Memory grown by both transfers", "bytes")
INTENTS: Final = Figure("intents", "A new text, times its cost with 10 intents", "x")
CHAT: Final = Figure("chat", "Requests/s, chat completions, texts seen before", "1/s")
TIMES: Final = Figure("times", "Chat completions/s of AIMux, times those of", "x")
TWO_SEEN: Final = Figure("two_seen", "Two workers on two cores, times one: texts seen before", "x")
TWO_NEW: Final = Figure("two_new", "Two workers on two cores, times one: every text new", "x")
AUDIT: Final = Figure("audit", "Requests/s with the audit log, times those without", "x")
START: Final = Figure("start", "Start until ready", "s")
MEMORY: Final = Figure("memory", "Resident memory, idle", "bytes")

FIGURES: Final = (
    *(SEEN, CHAT, TIMES, NEW, P50, ADDED_P50, BEYOND, P99, ADDED_P99, HALF_P50, HALF_TAIL, EVENT, ADDED_EVENT),
    *(STREAM_MEMORY, DOWNLOAD, UPLOAD, TRANSFER_MEMORY, INTENTS, TWO_SEEN, TWO_NEW, AUDIT, START, MEMORY),
)
AUDIT_OS: Final = "audit.sync: os"
AUDIT_ALWAYS: Final = "audit.sync: always"
MANY_INTENTS: Final = {10_000: "10,000 intents", 100_000: "100,000 intents"}
SUBJECTS: Final = (
    DIRECT,
    LOOP,
    NGINX,
    ENVOY,
    PORTKEY,
    LITELLM,
    AIMUX,
    *MANY_INTENTS.values(),
    WHOLE,
    BY_PROCESSOR,
    AUDIT_OS,
    AUDIT_ALWAYS,
)


@dataclass(frozen=True, slots=True)
class CoreUse:
    """Shares (0-1) of the time of the core under test: what the subject used of it, and what others took."""

    own: float
    others: float

    @classmethod
    def of(cls, own: float, whole: float, seconds: float) -> "CoreUse":
        """From the seconds that the subject and all together had of a core in a time."""
        return cls(own / seconds, max(whole - own, 0.0) / seconds)


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one round, and how the core was used meanwhile, where that was watched."""

    figure: Figure
    subject: str
    value: float
    core: CoreUse | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one subject over all rounds, and its ratios to nginx, to Envoy and to the bare loop."""

    figure: Figure
    subject: str
    values: tuple[float, ...]
    spread: Spread
    to_nginx: Spread | None
    to_envoy: Spread | None
    to_loop: Spread | None
    core_own: Spread | None
    core_others: Spread | None


class Rounds:
    """What the rounds have measured so far."""

    def __init__(self) -> None:
        self._values: dict[tuple[Figure, str], list[Measured]] = {}

    def add(self, measured: Iterable[Measured]) -> None:
        """Take what one round has measured: each figure of each subject once at most."""
        found = list(measured)
        for each in [*found, *_times(found)]:
            self._values.setdefault((each.figure, each.subject), []).append(each)

    def rows(self) -> tuple[Row, ...]:
        """A row for each figure of each subject, in the table's order."""
        wanted = ((figure, subject) for figure in FIGURES for subject in SUBJECTS)
        return tuple(self._row(*key) for key in wanted if key in self._values)

    def _row(self, figure: Figure, subject: str) -> Row:
        found = self._values[figure, subject]
        values = tuple(each.value for each in found)
        cores = [each.core for each in found if each.core is not None]
        # A new text is compared with what proxies do with any text: they know no difference.
        alike = SEEN if figure is NEW else figure
        return Row(
            figure=figure,
            subject=subject,
            values=values,
            spread=Spread.of(values),
            to_nginx=None if subject in {NGINX, LOOP} else self._ratio(values, alike, NGINX),
            to_envoy=None if subject in {NGINX, ENVOY, LOOP} else self._ratio(values, alike, ENVOY),
            to_loop=self._ratio(values, NEW, LOOP) if figure is NEW and subject != LOOP else None,
            core_own=Spread.of(core.own for core in cores) if cores else None,
            core_others=Spread.of(core.others for core in cores) if cores else None,
        )

    def _ratio(self, values: tuple[float, ...], figure: Figure, subject: str) -> Spread | None:
        references = self._values.get((figure, subject), ())
        # What is not measured in every round has no other of its round to be compared with.
        return ratio(values, [each.value for each in references]) if len(references) == len(values) else None


def _times(measured: Sequence[Measured]) -> Iterator[Measured]:
    """How many times as many chat completions AIMux has served in this round as each AI gateway."""
    chats = {each.subject: each.value for each in measured if each.figure is CHAT}
    for peer in (PORTKEY, LITELLM):
        if AIMUX in chats and peer in chats:
            yield Measured(TIMES, peer, chats[AIMUX] / chats[peer])
