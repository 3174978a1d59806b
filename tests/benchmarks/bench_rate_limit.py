"""What a limit costs: beside a bare round trip to the same Redis, and when Redis stands still."""

import asyncio
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
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

FIVE = Policy("five", 5, timedelta(minutes=5))
MANY = Policy("many", 1000, timedelta(minutes=5))
MORE = Policy("more", 1000, timedelta(minutes=5))


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
        calls = count()
        seconds = await _side_by_side(
            {
                "a bare GET, redis-py": lambda: bare.get("nothing"),
                "a bare GET, over the line": lambda: circuit.ask("GET", "nothing"),
                "one limit, denied": lambda: limits.admit([Claim(FIVE, "ada")]),
                "one limit, allowed": lambda: limits.admit([Claim(MANY, f"{next(calls) // 1000}")]),
                "two limits, allowed": lambda: limits.admit(
                    [Claim(MANY, f"{next(calls) // 1000}"), Claim(MORE, f"{next(calls) // 1000}")]
                ),
            }
        )
        _tell(f"\n{kind}: {ROUNDS * CALLS} calls of each, one after another, side by side")
        base = statistics.median(seconds["a bare GET, redis-py"])
        for name, each in seconds.items():
            median = statistics.median(each)
            p99 = statistics.quantiles(each, n=100)[-1]
            _tell(f"  {name:28} p50 {median * 1e6:6.0f} us   p99 {p99 * 1e6:6.0f} us   {median / base:.2f}")

        start = time.perf_counter()
        await asyncio.gather(*(limits.admit([Claim(FIVE, str(n))]) for n in range(AT_ONCE)))
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


async def _seconds_lost(circuit: Circuit) -> float:
    start = time.perf_counter()
    with pytest.raises(MemoryAway):
        await circuit.ask("PING")
    return time.perf_counter() - start


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
