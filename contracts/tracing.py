"""Spans: what was done for one request, in which part and for how long, told to a collector of traces.

Off until `exported` names one: until then a span is nothing and costs as much. Never an address, a name, a
code, a link or a token in a span: names are constants or route templates, attributes words, numbers and ids.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, Protocol

from contracts.environment import SettingsWrong

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | bool
Attributes = Mapping[str, Value]


class Span:
    """A stretch of work. This one is told to nobody."""

    @property
    def traceparent(self) -> str | None:
        """Name the span for what follows from it elsewhere (W3C Trace Context); None where nobody is told."""
        return None

    def rename(self, name: str) -> None:
        """Give the name that was not known at the beginning; of few possible ones."""

    def note(self, attributes: Attributes) -> None:
        """Add attributes, by OpenTelemetry's semantic conventions where these know a name."""

    def fail(self, error: str) -> None:
        """Mark the work as failed; `error` is a stable word or the name of an exception's class."""


class Tracer(Protocol):
    """Makes spans that somebody is told."""

    def span(self, name: str, *, kind: Kind, attributes: Attributes) -> AbstractContextManager[Span]:
        """Begin a span below the one under way."""

    def span_after(
        self, traceparent: str | None, name: str, *, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[Span]:
        """Begin a span below one of elsewhere, or a trace of its own."""


_NOTHING = nullcontext(Span())
_NONE: Attributes = {}
_tracer: Tracer | None = None


def is_told() -> bool:
    """Tell whether anybody is told; where not, who would only gather facts for a span may spare it."""
    return _tracer is not None


def span(
    name: str, *, kind: Kind = "internal", attributes: Attributes = _NONE
) -> AbstractContextManager[Span]:
    """Tell of the work within, as a part of that which is under way here.

    An exception that leaves it marks it as failed, by the name of its class and never by its words.
    """
    return _NOTHING if _tracer is None else _tracer.span(name, kind=kind, attributes=attributes)


def span_after(
    traceparent: str | None, name: str, *, kind: Kind, attributes: Attributes = _NONE
) -> AbstractContextManager[Span]:
    """Tell of the work within, as a consequence of what `traceparent` names; without one, as a new trace."""
    if _tracer is None:
        return _NOTHING
    return _tracer.span_after(traceparent, name, kind=kind, attributes=attributes)


@contextmanager
def exported(endpoint: str | None, *, service: str) -> Iterator[None]:
    """Send the spans of what runs within to an OTLP collector; to nobody without an `endpoint`.

    `service` is the name where the environment has none (OTEL_SERVICE_NAME). Nothing waits for the collector
    but the end, which takes 3 s at most. Raises `SettingsWrong` where the packages for it are not installed,
    or the environment asks for another protocol than OTLP over HTTP.
    """
    global _tracer  # noqa: PLW0603 - of the process, as its logs are
    if endpoint is None:
        yield
        return
    try:
        from contracts.span_export import SpanExport  # noqa: PLC0415 - loads nothing where nobody is told
    except ImportError:
        line = "the packages for it are missing: install porter[tracing], or leave it out"
        raise SettingsWrong([f"OTEL_EXPORTER_OTLP_ENDPOINT: {line}"]) from None
    export = SpanExport.to(endpoint, service=service)
    _tracer = export
    try:
        yield
    finally:
        _tracer = None
        if export is not None:
            export.close()
