"""One process of the fleet: killed, stopped and started as often as a test likes."""

import asyncio
import os
import re
import signal

from devstack.program import Program
from tests.support.waiting import until

RESTART_PAUSE_SECONDS = 0.1
START_WITHIN_SECONDS = 30.0
CONSUMER = re.compile(
    rb'"consumer": "([^"]+)"[^\n]*"mailer_started"|"mailer_started"[^\n]*"consumer": "([^"]+)"'
)


class Replica:
    """A program that is started again whenever it dies, until `end` or `terminate`.

    Each start writes into a log of its own: `NAME.1.log`, `NAME.2.log`, …
    """

    def __init__(self, program: Program, *, started: bytes) -> None:
        self.program = program
        self.starts = 0
        self.statuses: list[int] = []
        """How each life ended: the exit status, or minus the signal."""
        self._started = started
        self._held = False
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The id of the present process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> bytes:
        """What the present life has written."""
        return self._log_of(self.starts)

    @property
    def consumer(self) -> str:
        """The consumer name of the present life."""
        found = CONSUMER.search(self.log)
        assert found, f"{self.program.name} has not started"
        return (found[1] or found[2]).decode()

    @property
    def is_up(self) -> bool:
        """Whether the present life has begun its work and lasts."""
        return self._process is not None and self._process.returncode is None and self._started in self.log

    async def start(self) -> None:
        """Start, and wait until it does its work."""
        self._held = False
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")
        await self.wait_up()

    async def wait_up(self) -> None:
        """Wait until the present life, or the next, does its work."""
        await until(lambda: self.is_up, within=START_WITHIN_SECONDS)

    async def kill(self) -> None:
        """End the present life by SIGKILL; the next one begins at once."""
        assert self._process is not None
        dying = self._process
        dying.kill()
        await dying.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the present life."""
        os.kill(self.pid, number)

    def hold(self) -> None:
        """Let no further life follow the present one."""
        self._held = True

    async def terminate(self, *, within: float) -> int:
        """Send SIGTERM and give the exit status; no further life follows."""
        self.hold()
        self.signal(signal.SIGTERM)
        return await self.wait_ended(within=within)

    async def wait_ended(self, *, within: float) -> int:
        """Wait for the end of the last life and give its exit status."""
        assert self._process is not None
        async with asyncio.timeout(within):
            return await self._process.wait()

    async def end(self) -> None:
        """End for good, by SIGKILL."""
        self.hold()
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        if self._keeper is not None:
            await self._keeper

    def tail(self, characters: int = 6000) -> str:
        """Give the end of what all lives have written."""
        whole = b"".join(self._log_of(life) for life in range(1, self.starts + 1))
        return whole.decode(errors="replace")[-characters:]

    def lines(self) -> list[str]:
        """Give all that all lives have written."""
        return [
            line
            for life in range(1, self.starts + 1)
            for line in self._log_of(life).decode(errors="replace").splitlines()
        ]

    def _log_of(self, life: int) -> bytes:
        path = self.program.folder / f"{self.program.name}.{life}.log"
        return path.read_bytes() if path.exists() else b""

    async def _keep(self) -> None:
        while not self._held:
            path = self.program.folder / f"{self.program.name}.{self.starts + 1}.log"
            with path.open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *self.program.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    **self.program.start_options(),
                )
            self.starts += 1
            self.statuses.append(await self._process.wait())
            await asyncio.sleep(RESTART_PAUSE_SECONDS)
