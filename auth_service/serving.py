"""Listen and serve until a signal comes."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS: Final = 20


class PortTaken(Exception):
    """Nothing can listen there; the message names the address and the reason."""


class QuietServer(uvicorn.Server):
    """A server that leaves signals to `serve`, so that several can share a process and exit cleanly."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take over no signal."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as fault:
        raise PortTaken(f"cannot listen on {host} port {port}: {fault.strerror or fault}") from None


def server(app: ASGIApp, *, lifespan: bool) -> QuietServer:
    """Make a server for `app`; forwarded headers are not believed, and log lines are the app's own."""
    config = uvicorn.Config(
        app,
        lifespan="on" if lifespan else "off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return QuietServer(config)


def run(
    servers: Sequence[tuple[QuietServer, str, int]], *, on_start: Callable[[], None] = lambda: None
) -> None:
    """Serve each on its host and port until SIGTERM or SIGINT. Raises `PortTaken` before anything runs."""
    listening = [(each, listen(host, port)) for each, host, port in servers]
    with asyncio.Runner(loop_factory=servers[0][0].config.get_loop_factory()) as runner:
        runner.run(_serve(listening, on_start=on_start))


async def _serve(
    servers: Sequence[tuple[QuietServer, socket.socket]], *, on_start: Callable[[], None]
) -> None:
    """Serve until a signal comes, then finish what is in hand; a second signal hurries."""

    def stop() -> None:
        for each, _ in servers:
            each.force_exit = each.should_exit
            each.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    on_start()
    await asyncio.gather(*(each.serve(sockets=[listening]) for each, listening in servers))
