"""Caches as several processes have them, and readers of one row: the arrangement of the caches' tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from prometheus_client import CollectorRegistry, Gauge
from pydantic import TypeAdapter

from auth_service.memory.cache import Cache
from auth_service.memory.circuit import Circuit
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.reads import LOOKS_MAX, Reads

SECRET = b"\x0a" * 32
PATIENT = timedelta(seconds=5)
LIFE = timedelta(minutes=1)


class Process:
    """What one process has: a circuit, a cache through it, and readers of numbers."""

    def __init__(
        self,
        url: str,
        *,
        patience: timedelta = PATIENT,
        probe_every: timedelta = timedelta(milliseconds=10),
        looks_max: int = LOOKS_MAX,
    ) -> None:
        self.registry = CollectorRegistry()
        self.metrics = MemoryMetrics(self.registry)
        up = Gauge("up", "Whether Redis answers.", registry=self.registry)
        self.circuit = Circuit(url, up=up, patience=patience, probe_every=probe_every)
        self.cache = Cache(circuit=self.circuit, secret=SECRET)
        self.numbers: Reads[int] = Reads(
            name="numbers",
            shape=TypeAdapter(int),
            cache=self.cache,
            life=LIFE,
            metrics=self.metrics,
            looks_max=looks_max,
        )

    def counted(self, result: str, *, cache: str = "numbers") -> float:
        """Tell how often a look ended so."""
        labels = {"cache": cache, "result": result}
        return self.registry.get_sample_value("auth_cache_requests_total", labels) or 0.0

    def filled(self, result: str, *, cache: str = "numbers") -> float:
        """Tell how often a fill ended so."""
        labels = {"cache": cache, "result": result}
        return self.registry.get_sample_value("auth_cache_fills_total", labels) or 0.0

    @property
    def owes(self) -> bool:
        """Whether something that it dropped may still be there."""
        return self.cache._losses != self.cache._settled

    async def close(self) -> None:
        """Close what was opened."""
        await self.numbers.close()
        await self.cache.close()
        await self.circuit.close()


@asynccontextmanager
async def process(
    url: str, *, patience: timedelta = PATIENT, looks_max: int = LOOKS_MAX
) -> AsyncIterator[Process]:
    """Lend one."""
    opened = Process(url, patience=patience, looks_max=looks_max)
    try:
        yield opened
    finally:
        await opened.close()
