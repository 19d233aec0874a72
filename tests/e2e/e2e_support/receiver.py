"""A receiver of OTLP over HTTP: it takes what the gateway exports, keeps every byte, and answers as it is told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from e2e_support.waiting import until

Attributes = dict[str, Any]
TRACES, METRICS = "/v1/traces", "/v1/metrics"


def attributes_of(pairs: Any) -> Attributes:
    """Attributes as a dictionary."""

    def plain(pair: KeyValue) -> Any:
        kind = pair.value.WhichOneof("value")
        assert kind is not None
        return getattr(pair.value, kind)

    return {pair.key: plain(pair) for pair in pairs}


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it arrived."""

    wire: WireSpan
    attributes: Attributes
    resource: Attributes

    @property
    def name(self) -> str:
        """Its name."""
        return self.wire.name

    @property
    def trace_id(self) -> str:
        """Its trace, in hexadecimal digits."""
        return self.wire.trace_id.hex()

    @property
    def span_id(self) -> str:
        """Its own id."""
        return self.wire.span_id.hex()

    @property
    def parent_id(self) -> str:
        """Its parent's id, or nothing."""
        return self.wire.parent_span_id.hex()

    @property
    def failed(self) -> bool:
        """Whether its status is an error."""
        return self.wire.status.code == self.wire.status.STATUS_CODE_ERROR

    def within(self, other: "Span") -> bool:
        """Whether it lasted no longer than another, at either end."""
        ours, theirs = self.wire, other.wire
        return (
            theirs.start_time_unix_nano
            <= ours.start_time_unix_nano
            <= ours.end_time_unix_nano
            <= theirs.end_time_unix_nano
        )


class Receiver:
    """A running receiver. `status` is what it answers; only what it answered with 200 is in `spans` and `metrics`."""

    def __init__(self) -> None:
        self.status = 200
        self.exports: list[tuple[str, bytes]] = []
        self.taken: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.status
                receiver.exports.append((self.path, body))
                if status == 200:
                    receiver.taken.append((self.path, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, **more: str) -> dict[str, str]:
        """Variables that have everything exported here, at once."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_METRIC_EXPORT_INTERVAL": "50",
            **more,
        }

    def count(self, path: str) -> int:
        """How often something was exported to a path, taken or not."""
        return sum(each == path for each, _ in self.exports)

    @property
    def spans(self) -> list[Span]:
        """All spans so far."""
        found = []
        for path, body in list(self.taken):
            if path == TRACES:
                for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    resource = attributes_of(of_resource.resource.attributes)
                    for scope in of_resource.scope_spans:
                        found += [Span(span, attributes_of(span.attributes), resource) for span in scope.spans]
        return found

    @property
    def metrics(self) -> dict[str, dict[str, Metric]]:
        """For each instance its metrics, by name, as it last exported them."""
        found = {}
        for path, body in list(self.taken):
            if path == METRICS:
                (of_resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
                instance = attributes_of(of_resource.resource.attributes)["service.instance.id"]
                (scope,) = of_resource.scope_metrics
                found[instance] = {metric.name: metric for metric in scope.metrics}
        return found

    def wait_request(self, request_id: bytes | None, last: str = "SERVER") -> dict[str, Span]:
        """The spans of one request by their names, once its server span is there; that one is called SERVER."""
        assert request_id is not None

        def look() -> dict[str, Span]:
            spans = self.spans
            server = [span for span in spans if span.attributes.get("aimux.request_id") == request_id.decode()]
            if not server:
                return {}
            own = [span for span in spans if span.parent_id == server[0].span_id]
            named = {span.name: span for span in own} | {"SERVER": server[0]}
            assert len(named) == len(own) + len(server)
            return named if last in named else {}

        return until(look, f"the spans of request {request_id!r}")

    def wait(self, probe: Callable[["Receiver"], bool], what: str) -> None:
        """Wait until something is true of what has arrived."""
        until(lambda: probe(self), what)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
