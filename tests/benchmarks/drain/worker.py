"""A system's worker as a process: started, measured, killed, started again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.drain import processes
from tests.benchmarks.drain.systems import System

TAIL_CHARACTERS = 3000


@dataclass
class Worker:
    """One process, with what it starts itself."""

    system: System
    environment: Mapping[str, str]
    log: Path
    arguments: tuple[str, ...] = ()
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start it; when it begins to work is for the caller to see."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                self.system.python,
                *self.system.command,
                *self.arguments,
                env=self.environment,
                cwd=self.log.parent,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """End it by SIGKILL, its children too."""
        if self._process is not None and self._process.returncode is None:
            processes.kill(self._process.pid)
            await self._process.wait()

    @property
    def pid(self) -> int:
        """The process that leads the session."""
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Tell what this life has used."""
        return processes.cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Tell what this life holds now."""
        return processes.resident_bytes(self.pid)

    def must_live(self) -> None:
        """Raise `AssertionError`, with what it wrote, if it has ended."""
        if self._process is None or self._process.returncode is not None:
            raise AssertionError(f"{self.system.name} ended:\n{self.log.read_text()[-TAIL_CHARACTERS:]}")


@asynccontextmanager
async def working(
    system: System, *, environment: Mapping[str, str], folder: Path, arguments: tuple[str, ...] = ()
) -> AsyncIterator[Worker]:
    """Lend a worker that was started, and kill it afterwards."""
    worker = Worker(system, environment, folder / f"{system.name.replace(' ', '-')}.log", arguments)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.kill()
