"""A process of its own that hits one window; its arguments are the address of Redis and how many hits.

It writes `ready`, waits for a line on stdin, hits that many times at once, and writes how many were allowed.
"""

import asyncio
import sys
from datetime import timedelta

from prometheus_client import CollectorRegistry, Gauge

from auth_service.memory.circuit import Circuit
from auth_service.memory.policies import Allowed, Policy
from auth_service.memory.windows import SharedWindows

POLICY = Policy("parallel", 5, timedelta(minutes=1))
SECRET = b"\x09" * 32


async def main(url: str, hits: int) -> None:
    """Hit once told to."""
    up = Gauge("up", "Whether Redis answers.", registry=CollectorRegistry())
    circuit = Circuit(url, up=up, patience=timedelta(seconds=5))
    windows = SharedWindows(circuit=circuit, secret=SECRET)
    await circuit.warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    verdicts = await asyncio.gather(*(windows.hit([(POLICY, "one")]) for _ in range(hits)))
    sys.stdout.write(f"{sum(isinstance(verdict, Allowed) for verdict in verdicts)}\n")
    await circuit.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
