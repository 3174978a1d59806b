"""A process that asks a system for mails."""

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Publisher:
    """It notes when it asked for which."""

    process: asyncio.subprocess.Process
    notes: Path

    async def done(self, *, within: float) -> None:
        """Wait until it has asked for all. Raises `CalledProcessError`."""
        async with asyncio.timeout(within):
            status = await self.process.wait()
        if status:
            raise subprocess.CalledProcessError(status, "publishing")

    async def end(self) -> None:
        """Let it ask for no more."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def published(self) -> Mapping[str, float]:
        """Give the moment (monotonic seconds) by recipient."""
        lines = self.notes.read_text().rpartition("\n")[0].splitlines() if self.notes.exists() else []
        return {address: float(at) for at, address in (line.split() for line in lines)}
