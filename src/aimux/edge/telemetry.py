"""Which signals the standard OTEL_* variables ask for. It knows the variables, and nothing of what exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PROTOCOL: Final = "http/protobuf"
_ELSEWHERE: Final = {"METRICS": "prometheus"}
"""What an exporter may be called that needs nothing done: /metrics is always there."""
_DEFAULT_INTERVAL: Final = 60_000


class TelemetryError(ValueError):
    """A variable asks for what is not there. The message is one line for the operator and says what to do."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What is exported by OTLP, and the seconds between two exports of the metrics."""

    traces: bool
    metrics: bool
    metrics_interval: float = _DEFAULT_INTERVAL / 1000

    def __bool__(self) -> bool:
        return self.traces or self.metrics


NO_SIGNALS: Final = Signals(traces=False, metrics=False)


def signals_of(environ: Mapping[str, str]) -> Signals:
    """What the variables ask for. Raises TelemetryError: who asked must not go without and never learn it."""
    if _value(environ, "OTEL_SDK_DISABLED").lower() == "true":
        return NO_SIGNALS
    metrics = _wanted(environ, "METRICS")
    interval = _interval(environ) if metrics else NO_SIGNALS.metrics_interval
    return Signals(_wanted(environ, "TRACES"), metrics, interval)


def _wanted(environ: Mapping[str, str], signal: str) -> bool:
    name = f"OTEL_{signal}_EXPORTER"
    exporter = _value(environ, name).lower()
    if exporter not in {"", "none", "otlp", _ELSEWHERE.get(signal)}:
        raise TelemetryError(f"{name}={exporter}: traces and metrics are exported by OTLP only: set it to otlp or none")
    endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if exporter == "otlp" or (not exporter and any(_value(environ, each) for each in endpoints)):
        _check_protocol(environ, signal)
        return True
    return False


def _check_protocol(environ: Mapping[str, str], signal: str) -> None:
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := _value(environ, name):
            if protocol != _PROTOCOL:
                raise TelemetryError(
                    f"{name}={protocol}: OTLP is spoken over {_PROTOCOL} only: set it to that, and the endpoint to the "
                    "receiver's HTTP port (4318 by default)"
                )
            return


def _interval(environ: Mapping[str, str]) -> float:
    name = "OTEL_METRIC_EXPORT_INTERVAL"
    value = _value(environ, name) or str(_DEFAULT_INTERVAL)
    if not (value.isascii() and value.isdigit() and int(value)):
        raise TelemetryError(f"{name}={value}: must be a number of milliseconds")
    return int(value) / 1000


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
