"""What the harness tells a worker, by its environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """The same for every system that is measured."""

    redis_url: str
    smtp_port: int
    connections: int
    """SMTP connections, kept open."""
    jobs: int
    """How many jobs may be under way at once: more than connections, so that those never wait for Redis."""
    silence_seconds: int
    """After so long without a word a job counts as lost, where a system can be told."""
    letter: Path
    """What the mail says, as JSON."""

    @classmethod
    def read(cls) -> Self:
        """Read them. Raises `KeyError`."""
        own = {name: os.environ[f"BENCH_{name.upper()}"] for name in cls.__slots__}
        return cls(
            redis_url=own["redis_url"],
            smtp_port=int(own["smtp_port"]),
            connections=int(own["connections"]),
            jobs=int(own["jobs"]),
            silence_seconds=int(own["silence_seconds"]),
            letter=Path(own["letter"]),
        )

    def environment(self) -> dict[str, str]:
        """Write them as `read` reads them."""
        return {f"BENCH_{name.upper()}": str(getattr(self, name)) for name in self.__slots__}
