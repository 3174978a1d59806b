"""No body is larger than it has any reason to be."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_service.api.problems import Problem
from auth_service.api.traces import trace_of

BODY_BYTES_MAX: Final = 64 * 1024


class BodyLimit:
    """ASGI middleware that answers larger bodies itself; belongs inside `RequestRecord`.

    The server holds a body to its Content-Length. One that is sent in chunks is gathered here first, which
    the limit makes cheap.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int = BODY_BYTES_MAX) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its body is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._bytes_max:
            await self._refuse(scope, receive, send)
        elif "transfer-encoding" in headers:
            await self._gather(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _gather(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._bytes_max:
                await self._refuse(scope, receive, send)
                return
        gathered: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_gathered() -> Message:
            return gathered.pop() if gathered else await receive()

        await self._app(scope, receive_gathered, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = Problem("body_too_large", f"A body may have at most {self._bytes_max // 1024} KiB.")
        await problem.response(trace_id=trace_of(HTTPConnection(scope)).trace_id)(scope, receive, send)
