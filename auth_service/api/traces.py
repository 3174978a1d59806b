"""The trace of a request, by W3C Trace Context: taken from `traceparent` or begun here."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import Scope

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SCOPE_KEY: Final = "porter.trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """Names one request through every part that works for it."""

    trace_id: str
    flags: str = "01"
    span_id: str | None = None
    """The span that a collector is told of; without one each traceparent names a new one."""

    def traceparent(self) -> str:
        """Write the header for what follows from this request, as a span of ours."""
        return f"00-{self.trace_id}-{self.span_id or secrets.token_hex(8)}-{self.flags}"


def begin_trace(traceparent: str | None) -> Trace:
    """Continue the caller's trace; begin one where there is none, or none that can be read."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return Trace(secrets.token_hex(16))
    version, trace_id, parent_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(parent_id, 16):
        return Trace(secrets.token_hex(16))
    return Trace(trace_id=trace_id, flags=flags)


def trace_named(traceparent: str) -> Trace:
    """Tell the trace of a span of ours, which is told to a collector."""
    _, trace_id, span_id, flags = traceparent.split("-")
    return Trace(trace_id=trace_id, flags=flags, span_id=span_id)


def keep_trace(scope: Scope, trace: Trace) -> None:
    """Lay a trace down where `trace_of` finds it."""
    scope[_SCOPE_KEY] = trace


def trace_of(connection: HTTPConnection) -> Trace:
    """Tell the trace of a request."""
    trace: Trace = connection.scope[_SCOPE_KEY]
    return trace
