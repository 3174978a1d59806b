import subprocess
import sys

import pytest

from contracts.environment import SettingsWrong
from contracts.tracing import exported, span, span_after

HERE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_without_a_collector_a_span_is_told_to_nobody_and_names_nothing() -> None:
    with exported(None, service="auth"), span_after(HERE, "request", kind="server") as request:
        request.rename("GET /")
        request.note({"http.route": "/"})
        request.fail("500")
        assert request.traceparent is None
        with span("claim") as claim:
            assert claim.traceparent is None


def test_without_a_collector_an_exception_passes_as_it_is() -> None:
    with pytest.raises(ValueError, match="itself"), span("claim"):
        raise ValueError("itself")


def test_without_a_collector_neither_service_loads_what_sends_spans() -> None:
    load = "import sys, auth_service.app, auth_service.cli, mailer_service.app, mailer_service.cli\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{load}print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    # Redis' client loads the SDK's metrics by itself wherever they are installed.
    sending = (
        "contracts.span_export",
        "opentelemetry.exporter",
        "opentelemetry.sdk.trace",
        "google.protobuf",
    )
    assert [name for name in done.stdout.split() if name.startswith(sending)] == []


def test_a_collector_without_the_packages_for_it_stops_the_start_with_the_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "contracts.span_export", None)  # as Python marks what cannot be imported
    with pytest.raises(SettingsWrong) as wrong, exported("http://localhost:4318", service="auth"):
        pass
    (line,) = wrong.value.lines
    assert line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT: ")
    assert "porter[tracing]" in line
