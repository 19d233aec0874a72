"""Whether telemetry is asked for, and can be had: known before anything of it, or of the edge, is loaded."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from aimux.app.errors import StartError
from aimux.edge.telemetry import NO_SIGNALS, Signals, signals_of

if TYPE_CHECKING:
    from aimux.edge.log import Log

_WITHOUT: Final = "the gateway runs without it, since telemetry.required is false"
_MISSING: Final = (
    "the OTEL_* variables ask for telemetry, and OpenTelemetry is not installed: run `make telemetry` in a checkout, "
    "or pip install 'aimux-mesh[otel]', or set OTEL_SDK_DISABLED=true"
)
_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


@dataclass(frozen=True, slots=True)
class WantedTelemetry:
    """The signals that are exported; and what was asked for and cannot be had, a line each."""

    signals: Signals
    missing: tuple[str, ...] = ()


def telemetry_wanted(*, required: bool) -> WantedTelemetry:
    """The telemetry that is asked for. Raises StartError where it is `required` and cannot be had."""
    signals, missing = signals_of(os.environ)
    if signals and not _installed():
        signals, missing = NO_SIGNALS, (_MISSING,)
    if missing and required:
        raise StartError(missing[0])
    return WantedTelemetry(signals, missing)


def log_missing(log: "Log", missing: Iterable[str]) -> None:
    """Warn of what was asked for and cannot be had."""
    for problem in missing:
        log.event.warning("telemetry", detail=f"{problem}; {_WITHOUT}")


def _installed() -> bool:
    try:
        return all(map(find_spec, _NEEDED))
    except ModuleNotFoundError:  # not even the packages that these are in
        return False
