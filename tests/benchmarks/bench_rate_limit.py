"""What a limit costs: beside a bare round trip to the same Redis, and when Redis stands still."""

import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import Redis

from auth_service.memory.circuit import Circuit, MemoryAway
from auth_service.memory.limits import Limits
from auth_service.memory.local_windows import LocalWindows
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.policies import Claim, Policy
from auth_service.memory.windows import SharedWindows
from tests.support.own_redis import KINDS, own_redis

ROUNDS = 20
CALLS = 200
AT_ONCE = 100

FIVE_MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


class Window:
    """A policy, and people who each make as many hits as it lets them, one after the other."""

    def __init__(self, name: str, holds: int, per: timedelta) -> None:
        self._policy = Policy(name, holds, per)
        self._hits = count()

    def claim(self) -> Claim:
        """Claim a hit that will be allowed."""
        return Claim(self._policy, f"person {next(self._hits) // self._policy.count}")

    def claim_of(self, somebody: str) -> Claim:
        """Claim a hit of this person, whose window fills."""
        return Claim(self._policy, somebody)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_limiter_beside_a_bare_round_trip(kind: str, tmp_path: Path) -> None:
    with own_redis(kind, tmp_path) as server:
        registry = CollectorRegistry()
        up = Gauge("up", "Whether Redis answers.", registry=registry)
        circuit = Circuit(
            server.url, up=up, patience=timedelta(seconds=5)
        )  # a busy machine is measured as well
        shared = SharedWindows(circuit=circuit, secret=b"s" * 32)
        limits = Limits(shared=shared, local=LocalWindows(), metrics=MemoryMetrics(registry))
        bare: Redis = Redis.from_url(server.url)
        one, full = Window("one", 5, FIVE_MINUTES), Window("full", 5, FIVE_MINUTES)
        largest = Window("largest", 1000, FIVE_MINUTES)
        by_network, by_address = Window("by_network", 5, FIVE_MINUTES), Window("by_address", 5, HOUR)
        seconds = await _side_by_side(
            {
                "a bare GET, redis-py": lambda: bare.get("nothing"),
                "a bare GET, over the line": lambda: circuit.ask("GET", "nothing"),
                "5 in 5 min, allowed": lambda: limits.admit([one.claim()]),
                "5 in 5 min, denied": lambda: limits.admit([full.claim_of("ada")]),
                "1000 in 5 min, allowed": lambda: limits.admit([largest.claim()]),
                "by network and address": lambda: limits.admit([by_network.claim(), by_address.claim()]),
            }
        )
        load, _, _ = os.getloadavg()
        _tell(f"\n{kind}: {ROUNDS * CALLS} calls of each in turn, side by side; load average {load:.1f}")
        base = _deciles(seconds["a bare GET, redis-py"])
        for name, each in seconds.items():
            found = _deciles(each)
            told = "   ".join(
                f"{decile} {found[decile] * 1e6:6.0f} us {found[decile] / base[decile]:5.2f}"
                for decile in ("p10", "p50")
            )
            _tell(f"  {name:28} {told}   p99 {found['p99'] * 1e6:6.0f} us")

        start = time.perf_counter()
        await asyncio.gather(*(limits.admit([full.claim_of(str(n))]) for n in range(AT_ONCE)))
        _tell(f"  {AT_ONCE} at once: {(time.perf_counter() - start) * 1000:.1f} ms for all")

        await bare.aclose()
        await circuit.close()

        impatient = Circuit(server.url, up=up)
        await impatient.warm()
        server.signal(signal.SIGSTOP)
        first, second = await _seconds_lost(impatient), await _seconds_lost(impatient)
        server.signal(signal.SIGCONT)
        _tell(f"  Redis stopped: the first call loses {first * 1000:.1f} ms, the next {second * 1000:.3f} ms")
        await impatient.close()


async def _side_by_side(calls: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, list[float]]:
    """Time each call in turn, round after round, so that whatever else goes on hits all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            for _ in range(CALLS):
                start = time.perf_counter()
                await call()
                seconds[name].append(time.perf_counter() - start)
    return seconds


def _deciles(seconds: Sequence[float]) -> dict[str, float]:
    """Sum up: p10 is what a call takes while the machine does little else."""
    cuts = statistics.quantiles(seconds, n=100)
    return {"p10": cuts[9], "p50": cuts[49], "p99": cuts[98]}


async def _seconds_lost(circuit: Circuit) -> float:
    start = time.perf_counter()
    with pytest.raises(MemoryAway):
        await circuit.ask("PING")
    return time.perf_counter() - start


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
