"""Spans as a collector gets them, over real HTTP."""

import os
from collections.abc import Iterator

import pytest

from contracts.environment import SettingsWrong
from contracts.tracing import exported, span, span_after
from tests.support.trace_receiver import Received, TraceReceiver, trace_receiver

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[TraceReceiver]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    with trace_receiver() as receiver:
        yield receiver


def told(receiver: TraceReceiver, traceparent: str | None = SAMPLED) -> list[Received]:
    """Do a little work and give what the collector was told of it once the service ended."""
    with (
        exported(receiver.url, service="auth"),
        span_after(traceparent, "request", kind="server", attributes={"n": 1}) as request,
    ):
        request.rename("GET /")
        with span("claim"):
            pass
    return receiver.spans


def test_what_is_left_is_told_at_the_end(receiver: TraceReceiver) -> None:
    claim, request = sorted(told(receiver), key=lambda span: span.name, reverse=True)
    assert (request.name, request.kind, request.attributes) == ("GET /", "server", {"n": 1})
    assert (request.trace_id, request.parent_id, request.service) == (TRACE, SPAN, "auth")
    assert (claim.name, claim.trace_id, claim.parent_id) == ("claim", TRACE, request.span_id)


def test_an_exception_is_told_by_its_class_and_never_by_its_words(receiver: TraceReceiver) -> None:
    with exported(receiver.url, service="auth"), pytest.raises(ValueError, match="ada@"), span("claim"):
        raise ValueError("ada@example.org")
    (failed,) = receiver.spans
    assert (failed.failed, failed.attributes) == (True, {"error.type": "ValueError"})
    assert b"ada@" not in b"\n".join(receiver.bodies)


def test_a_span_names_itself_for_what_follows_elsewhere(receiver: TraceReceiver) -> None:
    with exported(receiver.url, service="auth"), span_after(SAMPLED, "request", kind="server") as request:
        named = request.traceparent
    (received,) = receiver.spans
    assert named == f"00-{TRACE}-{received.span_id}-01"


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", f"ff-{TRACE}-{SPAN}-01"])
def test_without_a_trace_that_can_be_read_a_new_one_begins(
    receiver: TraceReceiver, traceparent: str | None
) -> None:
    spans = told(receiver, traceparent)
    (trace_id,) = {span.trace_id for span in spans}
    assert trace_id != TRACE
    assert [span.parent_id for span in spans if span.name == "GET /"] == [""]


def test_what_the_caller_left_out_is_left_out_here(receiver: TraceReceiver) -> None:
    with exported(receiver.url, service="auth"), span_after(UNSAMPLED, "request", kind="server") as request:
        named = request.traceparent
    assert named is not None
    assert (named[3:35], named[-2:]) == (TRACE, "00")
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")],
)
def test_the_standard_variables_turn_it_off(
    receiver: TraceReceiver, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with exported(receiver.url, service="auth"), span_after(None, "request", kind="server"):
        pass
    assert receiver.bodies == []


def test_the_standard_variables_name_the_service_and_the_place(
    receiver: TraceReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front-door")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
    with exported("http://127.0.0.1:9", service="auth"), span_after(None, "request", kind="server"):
        pass
    assert [span.service for span in receiver.spans] == ["front-door"]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
@pytest.mark.parametrize("protocol", ["grpc", "http/json", "nonsense"])
def test_another_protocol_stops_the_start_with_one_line(
    receiver: TraceReceiver, monkeypatch: pytest.MonkeyPatch, name: str, protocol: str
) -> None:
    monkeypatch.setenv(name, protocol)
    with pytest.raises(SettingsWrong) as wrong, exported(receiver.url, service="auth"):
        pass
    (line,) = wrong.value.lines
    assert line.startswith(f"{name}: only http/protobuf is spoken here: ")


@pytest.mark.parametrize(
    "protocols",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": ""},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_SDK_DISABLED": "true"},
    ],
    ids=["named", "empty", "of traces", "disabled"],
)
def test_the_protocol_that_is_spoken_or_none_stops_nothing(
    receiver: TraceReceiver, monkeypatch: pytest.MonkeyPatch, protocols: dict[str, str]
) -> None:
    for name, protocol in protocols.items():
        monkeypatch.setenv(name, protocol)
    told_of = told(receiver)
    assert len(told_of) == (0 if "OTEL_SDK_DISABLED" in protocols else 2)
