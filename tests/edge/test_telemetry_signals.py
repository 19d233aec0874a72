"""What the standard variables ask for."""

import pytest

from aimux.edge.telemetry import NO_SIGNALS, Signals, TelemetryError, signals_of

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}
METRICS = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False, False),
        (ENDPOINT, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False, False),
        (TRACES, True, False),
        (METRICS, False, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False, True),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "prometheus"}, True, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, False, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, True, True),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True, True),
        (
            {**TRACES, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            True,
            False,
        ),
    ],
)
def test_what_is_exported(environ, traces, metrics):
    assert signals_of(environ) == Signals(traces, metrics)
    assert bool(signals_of(environ)) is (traces or metrics)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        ({**METRICS, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER=console"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "OTEL_TRACES_EXPORTER=prometheus"),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "otlp,console"}, "OTEL_METRICS_EXPORTER"),
        ({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "OTEL_METRIC_EXPORT_INTERVAL=soon"),
        ({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "0"}, "OTEL_METRIC_EXPORT_INTERVAL=0"),
    ],
)
def test_what_cannot_be_done_is_said(environ, named):
    with pytest.raises(TelemetryError, match=named):
        signals_of(environ)


def test_the_interval_is_in_milliseconds_and_a_minute_by_default():
    assert signals_of(ENDPOINT).metrics_interval == 60
    assert signals_of({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "1500"}).metrics_interval == 1.5
    assert not NO_SIGNALS
