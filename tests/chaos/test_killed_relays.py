"""`kill -9` of the process that runs the relay, again and again."""

import asyncio
import base64
import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from auth_service.storage.database import Database
from contracts.events import OtpRequested
from devstack.ports import free_port
from tests.chaos.events import codes
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.chaos.replica import Replica

KILL_EVERY_SECONDS = 2.0
RELAY = ("-m", "auth_service.cli", "relay")


async def test_killing_the_relay_every_2_seconds_loses_and_doubles_no_mail(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.05)))
    await fleet.start(2)
    relay = fleet.add(
        name="relay",
        command=RELAY,
        started=b'"relay_started"',
        environment={
            "AUTH_PEPPERS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AUTH_INTERNAL_PORT": str(free_port()),
            "AUTH_RELAY_SWEEP": "0.05",
        },
    )
    await relay.start()
    events = codes(int(FORM.pick(short=500, long=5000)))
    killing = asyncio.create_task(_kill_again_and_again(relay))
    await _commit(fleet, events, per_second=80)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    await until(lambda: _all_are_published(fleet, len(events)), within=30, every=0.2)
    await fleet.quiet(within=60)

    account = await reckon(fleet, events)
    published = await fleet.redis.xlen(LANES[0].facts)
    again = published - len(events)
    tell(account.line(f"kill -9 of the relay, {relay.starts - 1} times, {again} events again"))
    assert relay.starts > 2
    assert_each_sent(account)
    assert account.copies == 0


async def _kill_again_and_again(relay: "Replica") -> None:
    for _ in itertools.count():
        await asyncio.sleep(KILL_EVERY_SECONDS)
        await relay.kill()


async def _commit(fleet: Fleet, events: Sequence[OtpRequested], *, per_second: float) -> None:
    """Commit each event in a transaction of its own, as a request does."""
    _, _, rest = fleet.database_url.partition("://")
    database = Database(f"postgresql+asyncpg://{rest}", connections=2)
    try:
        for event in events:
            async with database.unit() as unit:
                await unit.outbox.append(
                    OtpRequested,
                    event_id=event.id,
                    data=event.data,
                    subject=UUID(event.subject),
                    sequence=int(event.sequence),
                    expires_at=event.expirytime,
                )
            await asyncio.sleep(1 / per_second)
    finally:
        await database.close()


async def _all_are_published(fleet: Fleet, count: int) -> bool:
    return len(await fleet.ledger.deliveries()) == count
