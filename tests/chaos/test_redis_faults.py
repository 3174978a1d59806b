"""Redis goes away, forgets, or is cut off in mid-sentence, while mail flows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from contracts.events import AnyEvent
from tests.chaos.events import a_code, codes, publish
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.chaos.servers import Server
from tests.support.cutting_proxy import CuttingProxy
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.redis import ORIGINS
from tests.support.waiting import until

READING_AGAIN_SECONDS = 5.0
CUTS = 5
BOTH = pytest.mark.parametrize("redis_server", list(ORIGINS), indirect=True)


@BOTH
async def test_redis_killed_and_restarted_on_its_data_loses_and_doubles_no_mail(
    fleet: Fleet, redis_server: Server, tell: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    events, publishing = await _mail_flows(fleet)
    await redis_server.crash()
    await asyncio.sleep(FORM.pick(short=1.0, long=10.0))
    await redis_server.start()

    waited = await _reading_again(fleet, events)
    await publishing
    await fleet.quiet(within=60)
    account = await reckon(fleet, events)
    tell(account.line(f"kill -9 of Redis ({request.node.callspec.id})", recovery=waited))
    assert_each_sent(account)
    assert waited < 3 * READING_AGAIN_SECONDS


@BOTH
async def test_a_destroyed_group_loses_and_doubles_no_mail(
    fleet: Fleet, tell: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    events, publishing = await _mail_flows(fleet)
    for lane in LANES:
        for key in lane.read_keys:
            await fleet.redis.xgroup_destroy(key, lane.group)

    waited = await _reading_again(fleet, events)
    await publishing
    await fleet.quiet(within=60)
    account = await reckon(fleet, events)
    tell(account.line(f"XGROUP DESTROY ({request.node.callspec.id})", recovery=waited))
    assert_each_sent(account)
    assert waited < 3 * READING_AGAIN_SECONDS


@pytest_asyncio.fixture
async def proxy(redis_server: Server) -> AsyncIterator[CuttingProxy]:
    """Lend a proxy before Redis."""
    async with CuttingProxy(redis_server.url) as between:
        yield between


async def test_a_reply_cut_in_the_middle_loses_and_doubles_no_mail(
    proxy: CuttingProxy, fleet: Fleet, tell: Callable[[str], None]
) -> None:
    events, publishing = await _mail_flows(fleet, redis_url=proxy.url)
    longest = 0.0
    for cut in range(1, CUTS + 1):
        proxy.cut_at(b"otp_requested")  # in an entry, of which the first fields have been delivered
        longest = max(longest, await _reading_again(fleet, events))
        assert proxy.cuts == cut

    await publishing
    await fleet.quiet(within=60)
    account = await reckon(fleet, events)
    tell(account.line(f"{CUTS} replies cut in the middle", recovery=longest))
    assert_each_sent(account)
    assert longest < 3 * READING_AGAIN_SECONDS


async def _mail_flows(
    fleet: Fleet, *, redis_url: str | None = None
) -> tuple[list[AnyEvent], asyncio.Task[None]]:
    """Start two mailers and a flow of mail; come back when it is well under way."""
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.05)))
    await fleet.start(2, redis_url=redis_url)
    events: list[AnyEvent] = list(codes(FORM.scaled(2000)))
    publishing = asyncio.create_task(publish(fleet.redis, list(events), per_second=100))
    await fleet.smtp.wait_for(50, within=20)
    return events, publishing


async def _reading_again(fleet: Fleet, events: list[AnyEvent]) -> float:
    """Publish one more event, and tell how many seconds it took until its mail was accepted."""
    address = f"marker-{len(events)}@example.org"
    marker = a_code(address)
    events.append(marker)
    began = time.monotonic()
    await publish(fleet.redis, [marker])
    await until(lambda: any(mail.recipient == address for mail in fleet.smtp.accepted), within=30)
    return time.monotonic() - began
