"""Keeps a set of programs running in one folder: their pid files under `pids`, their logs under `logs`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from devstack.logfile import tail
from devstack.process import READY_WITHIN_SECONDS, Process, StartFailed, ending
from devstack.program import Program


class Supervisor:
    """Starts, keeps and stops programs; each by its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, Process] = {}
        for name in ("logs", "pids"):
            (folder / name).mkdir()

    async def keep(
        self,
        program: Program,
        *,
        ready: Callable[[], Awaitable[bool]],
        ready_within_seconds: float = READY_WITHIN_SECONDS,
        grace_seconds: float = 30.0,
    ) -> Process:
        """Start a program, wait until it is ready, and keep it running. Raises `StartFailed`."""
        process = self.processes[program.name] = Process(
            program,
            log=self.log(program.name),
            pid_file=self.folder / "pids" / program.name,
            ready=ready,
            ready_within_seconds=ready_within_seconds,
            grace_seconds=grace_seconds,
        )
        await process.start()
        return process

    async def run(self, program: Program, *, keep_log: bool = True) -> None:
        """Run a program to its end. Raises `StartFailed` unless it ends with status 0.

        Without `keep_log`, what it says is kept only when it fails: it answers a person, not a log.
        """
        log = self.log(program.name)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **program.start_options(),
            )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if status != 0:
            raise StartFailed(program.name, ending(status), tail=tail(log))
        if not keep_log:
            log.unlink()

    async def stop(self, names: Iterable[str]) -> None:
        """Stop these cleanly, all at once, and hold them down."""
        await asyncio.gather(*(self.processes[name].stop() for name in names))

    def kill_all(self) -> None:
        """End everything at once, for those who cannot wait for the clean stop."""
        for process in self.processes.values():
            process.hold()
            process.kill_now()

    def log(self, name: str) -> Path:
        """Name a program's log file."""
        return self.folder / "logs" / f"{name}.log"


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Do several things at once; the first failure cancels the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
