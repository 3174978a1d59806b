"""Sends spans to an OTLP collector (OTLP/HTTP, protobuf), in the background. Loads OpenTelemetry's SDK.

The variables OTEL_… mean what OpenTelemetry's specification says: https://opentelemetry.io/docs/specs/otel/.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from threading import Event, Thread
from typing import Final, Self

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.environment import SettingsWrong
from contracts.tracing import Attributes, Kind, Span

log = structlog.get_logger()

END_WITHIN_SECONDS: Final = 3.0
PROTOCOL: Final = "http/protobuf"
_KINDS: Final[dict[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_CARRIED: Final = TraceContextTextMapPropagator()


class SpanExport:
    """The tracer of this process: a bounded queue of spans (OTEL_BSP_…), sent by a thread of its own."""

    def __init__(self, exporter: SpanExporter, *, service: str) -> None:
        self._impaired = Event()
        found = Resource.create()
        named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
        resource = found if named else found.merge(Resource({SERVICE_NAME: service}))
        self._provider = TracerProvider(
            resource=Resource({SERVICE_VERSION: version("porter")}).merge(resource),
            shutdown_on_exit=False,  # it would wait for the collector for as long as that pleases
        )
        self._exporter = exporter
        self._provider.add_span_processor(BatchSpanProcessor(_Watched(exporter, self._impaired)))
        self._tracer = self._provider.get_tracer("porter", version("porter"))
        self._complaints = _Complaints(self._impaired)
        library = logging.getLogger("opentelemetry")
        library.addHandler(self._complaints)
        library.propagate = False

    @classmethod
    def to(cls, endpoint: str, *, service: str) -> Self | None:
        """Begin to send to the collector at `endpoint`; None where the environment says not to.

        Raises `SettingsWrong` where it asks for another protocol, by which this would send nothing.
        """
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None
        if os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
            return None
        _check_protocol()
        own = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        return cls(OTLPSpanExporter(own or f"{endpoint.rstrip('/')}/v1/traces"), service=service)

    def span(self, name: str, *, kind: Kind, attributes: Attributes) -> AbstractContextManager[Span]:
        """Begin a span below the one under way."""
        return self._begun(name, context=None, kind=kind, attributes=attributes)

    def span_after(
        self, traceparent: str | None, name: str, *, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[Span]:
        """Begin a span below one of elsewhere, or a trace of its own."""
        carried = {"traceparent": traceparent} if traceparent else {}
        context = _CARRIED.extract(carried, context=Context())
        return self._begun(name, context=context, kind=kind, attributes=attributes)

    def close(self) -> None:
        """Send what is left, for 3 s at most: what a collector does not take by then is lost."""
        ending = Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(END_WITHIN_SECONDS)
        if ending.is_alive():
            log.warning("spans_lost", reason="the collector did not answer in time")
        library = logging.getLogger("opentelemetry")
        library.removeHandler(self._complaints)
        library.propagate = True

    @contextmanager
    def _begun(
        self, name: str, *, context: Context | None, kind: Kind, attributes: Attributes
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=_KINDS[kind],
            attributes=dict(attributes),
            record_exception=False,  # its words may quote an address, or what people typed
            set_status_on_exception=False,
        ) as begun:
            told = _ToldSpan(begun)
            try:
                yield told
            except BaseException as fault:
                told.fail(type(fault).__name__)
                raise


def _check_protocol() -> None:
    # The first that is set counts, and set to nothing is not set, says OpenTelemetry's specification.
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(name, "").strip().lower()
        if protocol == PROTOCOL:
            return
        if protocol:
            mend = "leave it out, and name the collector's port for that, most often 4318"
            raise SettingsWrong([f"{name}: only {PROTOCOL} is spoken here: {mend}"])


class _ToldSpan(Span):
    """A span that the collector is told of, unless sampling left it out."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """Name the span, and whether it is sampled."""
        named = self._span.get_span_context()
        return f"00-{named.trace_id:032x}-{named.span_id:016x}-{named.trace_flags & 1:02x}"

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(dict(attributes))

    def fail(self, error: str) -> None:
        """Mark it as failed."""
        self._span.set_attribute("error.type", error)
        self._span.set_status(StatusCode.ERROR)


class _Watched(SpanExporter):
    """Passes spans on, and notes when the collector takes them again."""

    def __init__(self, exporter: SpanExporter, impaired: Event) -> None:
        self._exporter = exporter
        self._impaired = impaired

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS and self._impaired.is_set():
            self._impaired.clear()
            log.info("tracing_recovered")
        return result

    def shutdown(self) -> None:
        """End it."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is held back."""
        return self._exporter.force_flush(timeout_millis)


class _Complaints(logging.Handler):
    """Tells the first of the library's complaints, and no other until the collector takes spans again."""

    def __init__(self, impaired: Event) -> None:
        super().__init__(logging.WARNING)
        self._impaired = impaired

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, unless one like it was told."""
        if not self._impaired.is_set():
            self._impaired.set()
            log.warning("tracing_impaired", reason=record.getMessage())
