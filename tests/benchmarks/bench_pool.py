"""Mails a second through the pool into `smtp-sink`, beside a bare aiosmtplib loop over the same bytes."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest

from devstack.ports import free_port
from mailer_service.mailing.handover import HandedOver, hand_over
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_connection import Envelope
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.support.waiting import until

SINK = Path("/usr/sbin/smtp-sink")
CONNECTIONS = (1, 16, 64)
ROUNDS = 45
MAILS = 200
SENDER, RECIPIENT = "porter@porter.test", "ada@example.org"
RAW = b"Subject: hello\r\nMessage-ID: <1@porter.test>\r\n\r\n" + b"A line of a mail, as they are.\r\n" * 200


@pytest.mark.skipif(not SINK.exists(), reason="smtp-sink is not installed: apt-get install postfix")
@pytest.mark.timeout(600)
async def test_the_pool_beside_a_bare_client() -> None:
    _tell(f"\n{MAILS} mails of {len(RAW)} bytes a round, {ROUNDS} rounds each, in turns; mails a second")
    async with sink() as port:
        for connections in CONNECTIONS:
            await _compare(port, connections)


async def _compare(port: int, connections: int) -> None:
    pool = SmtpPool(SmtpUrl.parse(f"smtp://127.0.0.1:{port}"))
    slots = Slots(total=connections, reserved=0)
    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=None)
        for _ in range(connections)
    ]
    for client in clients:
        await client.connect()
        await client.ehlo()

    async def through_the_pool() -> None:
        await _by_as_many(connections, lambda: _hand_over(pool, slots))

    async def bare() -> None:
        waiting = iter(range(MAILS))
        await asyncio.gather(*(_bare(client, waiting) for client in clients))

    taken: dict[str, list[Taken]] = {"pool": [], "bare": []}
    for number in range(ROUNDS + 1):
        pair = [("pool", through_the_pool), ("bare", bare)]
        round_ = {name: await _time(work) for name, work in (pair if number % 2 else reversed(pair))}
        if number:  # the first round opens the pool's connections
            for name, took in round_.items():
                taken[name].append(took)
    pool.close()
    for client in clients:
        client.close()
    pairs = list(zip(taken["bare"], taken["pool"], strict=True))
    ratios = [bare_took.seconds / pool_took.seconds for bare_took, pool_took in pairs]
    ratios_of_cpu = [bare_took.cpu_seconds / pool_took.cpu_seconds for bare_took, pool_took in pairs]
    speed = {name: MAILS / statistics.median(took.seconds for took in all_) for name, all_ in taken.items()}
    _tell(
        f"  {connections:2} connections   pool {speed['pool']:6.0f}   bare {speed['bare']:6.0f}"
        f"   ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        f"   by CPU time {statistics.median(ratios_of_cpu):.2f}"
    )


async def _hand_over(pool: SmtpPool, slots: Slots) -> None:
    async with slots.taken(urgent=True):
        ended = await hand_over(
            lambda _: RAW,
            envelope=Envelope(SENDER, RECIPIENT),
            pool=pool,
            may_begin=lambda: True,
            begin_data=lambda: True,
            until=asyncio.get_running_loop().time() + 20,
            secrets=(RECIPIENT, "481502"),
        )
    assert isinstance(ended, HandedOver)


async def _by_as_many(workers: int, work: Callable[[], Awaitable[None]]) -> None:
    waiting = iter(range(MAILS))

    async def worker() -> None:
        for _ in waiting:
            await work()

    await asyncio.gather(*(worker() for _ in range(workers)))


async def _bare(client: aiosmtplib.SMTP, waiting: Iterator[int]) -> None:
    for _ in waiting:
        await client.mail(SENDER)
        await client.rcpt(RECIPIENT)
        await client.data(RAW)


@dataclass(frozen=True)
class Taken:
    """What a round took: time on the clock, and of this process."""

    seconds: float
    cpu_seconds: float


async def _time(work: Callable[[], Awaitable[None]]) -> Taken:
    began, cpu_began = time.perf_counter(), time.process_time()
    await work()
    return Taken(time.perf_counter() - began, time.process_time() - cpu_began)


@asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """Start an `smtp-sink` on a free port; it takes everything and keeps nothing."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        SINK, "-u", "nobody", "-c", f"inet:127.0.0.1:{port}", "1000", stdout=subprocess.DEVNULL
    )

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await until(listens, within=10)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
