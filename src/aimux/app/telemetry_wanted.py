"""Whether telemetry is asked for, and can be had: known before anything of it, or of the edge, is loaded."""

import os
from importlib.util import find_spec
from typing import Final

from aimux.app.errors import StartError
from aimux.edge.telemetry import Signals, TelemetryError, signals_of

_MISSING: Final = (
    "the OTEL_* variables ask for telemetry, and OpenTelemetry is not installed: run `make telemetry` in a checkout, "
    "or pip install 'aimux-mesh[otel]', or set OTEL_SDK_DISABLED=true"
)
_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def telemetry_wanted() -> Signals:
    """What is asked for. Raises StartError where it cannot be had: to start without it would hide that."""
    try:
        signals = signals_of(os.environ)
    except TelemetryError as error:
        raise StartError(str(error)) from error
    if signals and not _installed():
        raise StartError(_MISSING)
    return signals


def _installed() -> bool:
    try:
        return all(map(find_spec, _NEEDED))
    except ModuleNotFoundError:  # not even the packages that these are in
        return False
