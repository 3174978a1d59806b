"""Any order of hits, on a real Redis and by its own clock: what it decides is what the model decides."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from auth_service.memory.circuit import Circuit
from auth_service.memory.policies import Allowed, Denied, Policy, Verdict
from auth_service.memory.windows import SharedWindows
from tests.integration.auth_service.memory.conftest import PATIENT
from tests.support.window_model import WindowModel

SUBJECTS = ("ada", "bob")
examples = count()

policies = st.builds(
    lambda holds, milliseconds: (holds, timedelta(milliseconds=milliseconds)),
    st.integers(1, 4),
    st.integers(1, 25),
)
steps = st.lists(st.tuples(st.sampled_from(SUBJECTS), st.integers(0, 12)), min_size=1, max_size=25)


async def play(
    url: str, sizes: Sequence[tuple[int, timedelta]], steps: Sequence[tuple[str, int]], example: int
) -> None:
    """Make each hit once so many milliseconds of Redis's own time have gone by, and compare."""
    wanted = [Policy(f"policy {example} {n}", holds, per) for n, (holds, per) in enumerate(sizes)]
    up = Gauge("up", "Whether Redis answers.", registry=CollectorRegistry())
    circuit = Circuit(url, up=up, patience=PATIENT)
    windows, model = SharedWindows(circuit=circuit, secret=b"s" * 32), WindowModel()
    try:
        now = 0
        for subject, pause in steps:
            while await _milliseconds(circuit) < now + pause:
                pass
            claims = [(policy, subject) for policy in wanted]
            full, number, now = await windows._run(claims)
            verdict: Verdict = (
                Denied(wanted[full - 1].name, timedelta(milliseconds=number)) if full else Allowed(number)
            )
            assert verdict == model.hit(claims, now=now)
    finally:
        await circuit.close()


async def _milliseconds(circuit: Circuit) -> int:
    seconds, microseconds = await circuit.ask("TIME")
    return int(seconds) * 1000 + int(microseconds) // 1000


def test_redis_decides_as_the_model_does(redis_url: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(sizes=st.lists(policies, min_size=1, max_size=2), steps=steps)
    def holds(sizes: list[tuple[int, timedelta]], steps: list[tuple[str, int]]) -> None:
        asyncio.run(play(redis_url, sizes, steps, next(examples)))

    holds()
