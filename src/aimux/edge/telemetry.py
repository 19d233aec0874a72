"""Which signals the standard OTEL_* variables ask for. It knows the variables, and nothing of what exports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")
_PROTOCOL: Final = "http/protobuf"
_ELSEWHERE: Final = {"METRICS": "prometheus"}
"""What an exporter may be called that needs nothing done: /metrics is always there."""
_DEFAULT_INTERVAL: Final = 60_000


class _UnavailableError(ValueError):
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


def signals_of(environ: Mapping[str, str]) -> tuple[Signals, tuple[str, ...]]:
    """What the variables ask for and can be had; and what cannot, each as one line that says what to do.

    A signal that cannot be exported as asked is left out. An interval that is no number is the default.
    """
    if _value(environ, "OTEL_SDK_DISABLED").lower() == "true":
        return NO_SIGNALS, ()
    problems: dict[str, None] = {}

    def tried(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except _UnavailableError as error:
            problems[str(error)] = None
            return otherwise

    metrics = tried(lambda: _wanted(environ, "METRICS"), False)
    default = NO_SIGNALS.metrics_interval
    interval = tried(lambda: _interval(environ), default) if metrics else default
    traces = tried(lambda: _wanted(environ, "TRACES"), False)
    return Signals(traces, metrics, interval), tuple(problems)


def _wanted(environ: Mapping[str, str], signal: str) -> bool:
    name = f"OTEL_{signal}_EXPORTER"
    exporter = _value(environ, name).lower()
    if exporter not in {"", "none", "otlp", _ELSEWHERE.get(signal)}:
        raise _UnavailableError(
            f"{name}={exporter}: traces and metrics are exported by OTLP only: set it to otlp or none"
        )
    endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if exporter == "otlp" or (not exporter and any(_value(environ, each) for each in endpoints)):
        _check_protocol(environ, signal)
        return True
    return False


def _check_protocol(environ: Mapping[str, str], signal: str) -> None:
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := _value(environ, name):
            if protocol != _PROTOCOL:
                raise _UnavailableError(
                    f"{name}={protocol}: OTLP is spoken over {_PROTOCOL} only: set it to that, and the endpoint to the "
                    "receiver's HTTP port (4318 by default)"
                )
            return


def _interval(environ: Mapping[str, str]) -> float:
    name = "OTEL_METRIC_EXPORT_INTERVAL"
    value = _value(environ, name) or str(_DEFAULT_INTERVAL)
    if not (value.isascii() and value.isdigit() and int(value)):
        raise _UnavailableError(f"{name}={value}: must be a number of milliseconds")
    return int(value) / 1000


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
