"""`promote.lua`: what is due moves from the delayed set to the retry stream."""

import json

import pytest
from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.support.lane_contents import lane_contents

LATER = 10_000_000_000_000


@pytest.fixture(autouse=True)
async def _expiring(redis: Redis, lane: Lane) -> None:
    """Make the set with the TTL that postponing gives it."""
    await redis.zadd(lane.delayed, {'["name","not yet"]': LATER})
    await redis.expire(lane.delayed, 60)


def member(**fields: str) -> str:
    return json.dumps([part for pair in fields.items() for part in pair])


async def test_only_what_is_due_moves_oldest_first(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.zadd(lane.delayed, {member(name="second"): 2, member(name="first"): 1})
    assert await ada.promote(lane, limit=10) == 2
    contents = await lane_contents(redis, lane)
    assert contents.waiting[lane.retry] == [{"name": "first"}, {"name": "second"}]
    assert contents.delayed == [{"name": "not yet"}]
    assert await ada.promote(lane, limit=10) == 0


async def test_due_is_judged_by_the_servers_clock(redis: Redis, lane: Lane, ada: Transitions) -> None:
    seconds, micros = await redis.time()
    now_ms = seconds * 1000 + micros // 1000
    await redis.zadd(lane.delayed, {member(name="now"): now_ms, member(name="soon"): now_ms + 60_000})
    assert await ada.promote(lane, limit=10) == 1
    assert (await lane_contents(redis, lane)).retry == [{"name": "now"}]


async def test_a_batch_is_bounded(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.zadd(lane.delayed, {member(name=str(n)): n for n in range(5)})
    assert [await ada.promote(lane, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert [fields["name"] for fields in (await lane_contents(redis, lane)).retry] == list("01234")


async def test_two_replicas_promote_each_retry_once(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions
) -> None:
    await redis.zadd(lane.delayed, {member(name="once"): 1})
    assert await ada.promote(lane, limit=10) + await bob.promote(lane, limit=10) == 1
    assert await redis.xlen(lane.retry) == 1


async def test_a_suspect_goes_to_the_suspects(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.zadd(
        lane.delayed, {member(name="killer", crashes="2"): 1, member(name="good", crashes="1"): 1}
    )
    await ada.promote(lane, limit=10)
    contents = await lane_contents(redis, lane)
    assert [fields["name"] for fields in contents.suspects] == ["killer"]
    assert [fields["name"] for fields in contents.retry] == ["good"]


@pytest.mark.parametrize(
    "unreadable",
    [
        "no JSON",
        "",
        "5",
        "null",
        '"text"',
        "{}",
        "[]",
        '["odd"]',
        '{"a":"b"}',
        '[["a"],"b"]',
        '["a",1]',
        '["a",null]',
    ],
)
async def test_an_unreadable_member_is_kept_among_the_dead_and_stops_nothing(
    redis: Redis, lane: Lane, ada: Transitions, unreadable: str
) -> None:
    await redis.zadd(lane.delayed, {unreadable: 1, member(name="good"): 2})
    assert await ada.promote(lane, limit=10) == 2
    contents = await lane_contents(redis, lane)
    assert contents.retry == [{"name": "good"}]
    assert contents.delayed == [{"name": "not yet"}]
    (letter,) = contents.dead
    assert (letter["reason"], letter["member"]) == ("undecodable", unreadable)
    assert letter["last"].isdigit()
