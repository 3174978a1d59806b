"""A program that is kept running: started again when it dies, held down when it is meant to be."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from devstack.logfile import note, tail
from devstack.program import Program

READY_WITHIN_SECONDS: Final = 30.0
LOOK_EVERY_SECONDS: Final = 0.05
CALM_AFTER_SECONDS: Final = 10.0
"""A program that ran this long before it died is started again as fast as the first time."""


class StartFailed(Exception):
    """A program did not come up; `tail` is the end of its log."""

    def __init__(self, name: str, reason: str, *, tail: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.tail = tail


class NotRunning(Exception):
    """There is no process to signal just now."""


def pause_seconds(deaths: int) -> float:
    """Tell how long to wait before starting again after so many deaths in short order: 0.1 s up to 5 s."""
    return float(min(0.1 * 2 ** (deaths - 1), 5.0))


class Process:
    """One supervised program, its pid file and its log.

    Between `start` and `stop` it is started again whenever it ends, unless `hold` was called. `ready` tells
    whether it does its work; it is asked until it says so.
    """

    def __init__(
        self,
        program: Program,
        *,
        log: Path,
        pid_file: Path,
        ready: Callable[[], Awaitable[bool]],
        ready_within_seconds: float = READY_WITHIN_SECONDS,
        grace_seconds: float = 30.0,
    ) -> None:
        self.program = program
        self.name = program.name
        self.log = log
        self.starts = 0
        self._pid_file = pid_file
        self._ready = ready
        self._ready_within_seconds = ready_within_seconds
        self._grace_seconds = grace_seconds
        self._held = False
        self._came_up = False
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether there is a process just now."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id. Raises `NotRunning`."""
        if self._process is None or self._process.returncode is not None:
            raise NotRunning(self.name)
        return self._process.pid

    async def start(self) -> None:
        """Start it, or end a hold, and wait until it is ready. Raises `StartFailed`."""
        self._held = False
        if self._keeper is None or self._keeper.done():
            self._came_up = False
            self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until it does its work, restarts included. Raises `StartFailed` when that takes too long."""
        within = self._ready_within_seconds
        try:
            async with asyncio.timeout(within):
                while not (self.running and await self._ready()):
                    if self._keeper is None or self._keeper.done():
                        await self._explain()
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except TimeoutError:
            raise StartFailed(self.name, f"was not ready after {within:g} s", tail=tail(self.log)) from None
        self._came_up = True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal. Raises `NotRunning`."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:  # dead already, and the loop has yet to hear of it
            raise NotRunning(self.name) from None

    def hold(self) -> None:
        """Let it stay down when it next ends, until `start`."""
        self._held = True

    def kill_now(self) -> None:
        """Send SIGKILL, if there is anything to send it to, and wait for nothing."""
        if self._process is not None and self.running:
            self._process.kill()

    async def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait until it is dead; unless held, it is started again."""
        if self._process is not None and self.running:
            dying = self._process
            dying.kill()
            await dying.wait()

    async def stop(self) -> None:
        """End it cleanly and hold it down; after its grace it is killed."""
        self.hold()
        if self._process is not None and self.running:
            stopping = self._process
            with suppress(NotRunning):
                self.signal(self.program.stop_with)
                self.signal(signal.SIGCONT)  # a stopped process would not hear it
            try:
                async with asyncio.timeout(self._grace_seconds):
                    await stopping.wait()
            except TimeoutError:
                note(self.log, f"{self.name} did not stop within {self._grace_seconds:g} s and was killed")
                await self.kill()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})

    async def _keep(self) -> None:
        """Run it, again and again."""
        deaths = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._run_once()
            if self._held or not self._came_up:
                return
            deaths = 1 if loop.time() - began > CALM_AFTER_SECONDS else deaths + 1
            pause = pause_seconds(deaths)
            note(self.log, f"{self.name} is started again in {pause:g} s")
            await asyncio.sleep(pause)
            if self._held:
                return

    async def _run_once(self) -> None:
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **self.program.start_options(),
            )
        self.starts += 1
        self._pid_file.write_text(f"{self._process.pid}\n")
        try:
            status = await self._process.wait()
            note(self.log, f"{self.name} {ending(status)}")
        finally:
            self._pid_file.unlink(missing_ok=True)

    async def _explain(self) -> None:
        """Raise what ended the supervision."""
        if self._keeper is not None and not self._keeper.cancelled() and (error := self._keeper.exception()):
            raise StartFailed(self.name, f"cannot be started: {error}", tail=tail(self.log)) from error
        status = self._process.returncode if self._process is not None else None
        reason = "is held down" if status is None or self._held else ending(status)
        raise StartFailed(self.name, reason, tail=tail(self.log))


def ending(status: int) -> str:
    """Tell in words how a process ended."""
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
