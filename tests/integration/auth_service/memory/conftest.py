"""What the memory's tests share: a circuit around the Redis under test, and its gauge."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, Gauge

from auth_service.memory.circuit import Circuit
from auth_service.memory.windows import SharedWindows

SECRET = b"\x07" * 32
PATIENT = timedelta(seconds=5)
"""For tests of what Redis answers, not of how soon: a machine under load may keep Redis itself waiting."""


@pytest.fixture
def up() -> Gauge:
    return Gauge("up", "Whether Redis answers.", registry=CollectorRegistry())


@pytest_asyncio.fixture
async def circuit(redis_url: str, up: Gauge) -> AsyncIterator[Circuit]:
    opened = Circuit(redis_url, up=up, patience=PATIENT)
    yield opened
    await opened.close()


@pytest.fixture
def windows(circuit: Circuit) -> SharedWindows:
    return SharedWindows(circuit=circuit, secret=SECRET)
