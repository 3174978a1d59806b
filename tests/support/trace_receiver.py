"""A collector of traces: takes OTLP over HTTP as the specification says, and keeps every byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ToldSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True, slots=True)
class Received:
    """A span as it was told; ids are lower-case hex, and `parent_id` is empty at the root."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: dict[str, str | int]

    @classmethod
    def read(cls, span: ToldSpan, *, service: str) -> Self:
        """Read it from its protobuf."""
        return cls(
            service=service,
            name=span.name,
            kind=ToldSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            failed=span.status.code == Status.StatusCode.STATUS_CODE_ERROR,
            attributes={pair.key: _value(pair) for pair in span.attributes},
        )


class TraceReceiver:
    """What was received so far; `url` is the endpoint to name to the services."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def spans(self) -> list[Received]:
        """All spans, in the order in which they were told."""
        return [
            Received.read(span, service=_named(list(told.resource.attributes), "service.name"))
            for body in list(self.bodies)
            for told in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in told.scope_spans
            for span in scope.spans
        ]

    def trace(self, trace_id: str) -> list[Received]:
        """Give the spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]


@contextmanager
def trace_receiver() -> Iterator[TraceReceiver]:
    """Lend one on a port of its own."""
    received = TraceReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fits = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            if fits:
                received.headers.append(dict(self.headers))
                received.bodies.append(body)
            self.send_response(200 if fits else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


def _named(attributes: list[KeyValue], name: str) -> str:
    return next(str(_value(pair)) for pair in attributes if pair.key == name)


def _value(pair: KeyValue) -> str | int:
    kind = pair.value.WhichOneof("value")
    assert kind is not None
    value: str | int = getattr(pair.value, kind)
    return value
