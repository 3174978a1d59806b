"""What is done around every request: trace, headers, duration, log line, and the answer to a surprise."""

import time
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_service.api.metrics import ApiMetrics
from auth_service.api.problems import Problem
from auth_service.api.traces import Trace, begin_trace, keep_trace, trace_named
from contracts import tracing
from contracts.logs import tell_surprise
from contracts.tracing import Span

log = structlog.get_logger()

NOT_FOUND: Final = 404
INTERNAL_ERROR: Final = 500
UNMATCHED: Final = "unmatched"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestRecord:
    """ASGI middleware; must be the outermost one, so that nothing escapes unrecorded."""

    def __init__(self, app: ASGIApp, *, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and record how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked_by = Headers(scope=scope).get("traceparent")
        with tracing.span_after(asked_by, "request", kind="server") as span:
            trace = trace_named(span.traceparent) if span.traceparent else begin_trace(asked_by)
            keep_trace(scope, trace)
            await self._answer(scope, receive, send, trace=trace, span=span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, trace: Trace, span: Span) -> None:
        started, status = time.perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Porter-Trace-Id"] = trace.trace_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace.trace_id):
            try:
                await self._app(scope, receive, send_marked)
            except Exception as fault:
                tell_surprise("request_failed", fault, log=log)
                if status:
                    raise  # too late for another answer; the server breaks the connection
                problem = Problem(
                    "internal_error", "This is our fault. The trace id leads us to what happened."
                )
                await problem.response(trace_id=trace.trace_id)(scope, receive, send_marked)
            finally:
                self._record(scope, status, time.perf_counter() - started, span)

    def _record(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        route = _route_of(scope, status)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request_answered(route, method, status, seconds=seconds)
        # No path: it may hold what people typed. No more of the caller than the metrics have.
        span.rename(f"{method} {route}")
        span.note({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        if status == 0 or status >= INTERNAL_ERROR:
            span.fail(str(status or "no_answer"))
        tell = log.info if route.startswith("/v1/") else log.debug
        tell(
            "request_answered", route=route, method=method, status=status, duration_seconds=round(seconds, 4)
        )


def _route_of(scope: Scope, status: int) -> str:
    """Name the route that answered: a call's or page's path, or the folder of files."""
    if "route" in scope:
        return str(scope["route"].path)
    endpoint = scope.get("endpoint")
    if endpoint is None or status == NOT_FOUND:  # a file that is not there is nowhere, too
        return UNMATCHED
    # Plain routes leave only their endpoint behind, and a folder of files its application.
    paths = {
        getattr(route, "endpoint", None) or getattr(route, "app", None): getattr(route, "path", UNMATCHED)
        for route in scope["app"].routes
    }
    return str(paths.get(endpoint, UNMATCHED))
