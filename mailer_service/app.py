"""The mailer as a process: consumes, answers `/healthz` and `/metrics`, and drains when told to stop."""

import asyncio
import contextlib
import errno
import gc
import json
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest
from redis.exceptions import RedisError

from contracts.environment import SettingsWrong
from mailer_service.assembly import make_courier, make_ledger
from mailer_service.consuming import gauges, metrics
from mailer_service.settings import MailerSettings
from mailer_service.wiring import Mailer

log = structlog.get_logger(__name__)

GAUGES_WITHIN_SECONDS = 1.0
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Probes:
    """The two pages of the internal port, as a bare ASGI application."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            status, kind, body = await self._answer(scope["path"])
            headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str) -> tuple[int, str, bytes]:
        match path:
            case "/healthz":
                alive = self._mailer.consumer.is_alive
                state = {
                    "status": "alive" if alive else "stuck",
                    "paused_by": sorted(self._mailer.consumer.gate.shut_by),
                }
                return 200 if alive else 503, "application/json", json.dumps(state).encode()
            case "/metrics":
                metrics.alive.set(self._mailer.consumer.is_alive)
                await self._look_at_streams()
                return 200, CONTENT_TYPE_LATEST, generate_latest()
            case _:
                return 404, "text/plain; charset=utf-8", b"here are /healthz and /metrics\n"

    async def _look_at_streams(self) -> None:
        """Refresh what is read at scrape time. What cannot be read is not told, and the scrape answers."""
        end = asyncio.get_running_loop().time() + GAUGES_WITHIN_SECONDS
        for lane in self._mailer.lanes:
            try:
                async with asyncio.timeout_at(end):
                    await gauges.collect(self._mailer.moving, lane)
            except (RedisError, OSError, TimeoutError):
                gauges.forget(lane)


class Server(uvicorn.Server):
    """A uvicorn that leaves the signals to the mailer."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def run(settings: MailerSettings) -> int:
    """Run until SIGTERM or Ctrl-C, drain, and return 0. A second signal hands back what has not begun."""
    # When each series began is nothing that anybody asks, and would be as many series again.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    listener = _listen(settings.host, settings.port)
    ledger = make_ledger(settings)
    mailer = Mailer(settings, courier=make_courier(settings, ledger=ledger), ledger=ledger)
    _spare_the_collector()
    stopping = asyncio.Event()

    def on_signal() -> None:
        if stopping.is_set():
            mailer.consumer.hurry()
        stopping.set()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, on_signal)
    config = uvicorn.Config(Probes(mailer), lifespan="off", log_config=None, access_log=False)
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="probes")
    starting = asyncio.create_task(mailer.start(), name="start")

    def on_started(task: asyncio.Task[None]) -> None:
        if _has_failed(task):
            log.critical("mailer_not_started", exc_info=task.exception())
            stopping.set()

    starting.add_done_callback(on_started)
    await stopping.wait()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await mailer.stop()
    server.should_exit = True
    await serving
    log.info("mailer_stopped")
    return 1 if _has_failed(starting) else 0


def _spare_the_collector() -> None:
    """Look for reference cycles seldom, and only in what is made from now on: mails leave none behind.

    Looking at templates, models and statements again and again took a tenth of a mail's processor time.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _listen(host: str, port: int) -> socket.socket:
    """Open the listening socket. Raises `SettingsWrong`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            line = f"MAILER_PORT: {port}: is taken: set it to a free port, or 0 for any"
        else:
            line = f"MAILER_HOST: {host}: {fault.strerror or fault}: set it to an address of this machine"
        raise SettingsWrong([line]) from None


def _has_failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None
