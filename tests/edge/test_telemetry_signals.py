"""What the standard variables ask for."""

import pytest

from aimux.edge.telemetry import NO_SIGNALS, Signals, signals_of

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
    signals, problems = signals_of(environ)
    assert signals == Signals(traces, metrics)
    assert bool(signals) is (traces or metrics)
    assert problems == ()


@pytest.mark.parametrize(
    ("environ", "named", "left"),
    [
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", (False, False)),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            (True, False),
        ),
        ({**METRICS, "OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER=console", (False, True)),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "OTEL_TRACES_EXPORTER=prometheus", (False, False)),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "otlp,console"}, "OTEL_METRICS_EXPORTER", (True, False)),
        ({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "OTEL_METRIC_EXPORT_INTERVAL=soon", (True, True)),
        ({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "0"}, "OTEL_METRIC_EXPORT_INTERVAL=0", (True, True)),
    ],
)
def test_what_cannot_be_done_is_said_once_and_left_out(environ, named, left):
    signals, problems = signals_of(environ)
    assert signals == Signals(*left)
    assert len(problems) == 1
    assert named in problems[0]


def test_everything_that_cannot_be_done_is_said():
    environ = {**ENDPOINT, "OTEL_TRACES_EXPORTER": "zipkin", "OTEL_METRICS_EXPORTER": "console"}
    assert len(signals_of(environ)[1]) == 2


def test_the_interval_is_in_milliseconds_and_a_minute_by_default():
    assert signals_of(ENDPOINT)[0].metrics_interval == 60
    assert signals_of({**ENDPOINT, "OTEL_METRIC_EXPORT_INTERVAL": "1500"})[0].metrics_interval == 1.5
    assert not NO_SIGNALS
