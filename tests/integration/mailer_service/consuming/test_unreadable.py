"""What no repetition can mend is dead at once, with its reason."""

from typing import Any

import pytest
from redis.asyncio import Redis

from contracts.events import LoginEvent
from contracts.sealing import BoxRefused
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.outcomes import Outcome
from tests.support.consumers import LANE, Desk, publish, running
from tests.support.shared_lane import fields_of_one, only_letter


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"data": b"{"}, "undecodable"),
        ({"data": b"\xff"}, "undecodable"),
        ({"type": b"porter.auth.something_else.v1"}, "unknown_type"),
        ({"type": b"porter.auth.otp_requested.v9"}, "unknown_version"),
        (None, "undecodable"),
    ],
)
async def test_what_cannot_be_read_is_dead_at_once(
    redis_url: str, redis: Redis, spoilt: dict[str, bytes] | None, reason: str
) -> None:
    fields = await fields_of_one(redis)
    entry: dict[Any, Any] = {"any": "thing"} if spoilt is None else {**fields, **spoilt}
    await redis.xadd(LANE.facts, entry)
    desk = Desk()
    async with running(redis_url, desk) as consumer:
        letter = await only_letter(redis)
        assert [letter.reason for _, letter in consumer.register] == [reason]
    assert (letter["reason"], letter["attempts"], desk.begun) == (reason, "1", [])


async def test_an_event_of_another_stream_is_dead_at_once(redis_url: str, redis: Redis) -> None:
    fields = await fields_of_one(redis)
    data = (
        b'{"locale":"en","sealed":"box","user_id":"0198c0de-0000-7000-8000-000000000001",'
        b'"approved_by":"0198c0de-0000-7000-8000-000000000002"}'
    )
    misplaced: dict[Any, Any] = {
        **fields,
        b"type": b"porter.auth.account_approved.v1",
        b"dataschema": b"urn:porter:schema:auth:account_approved:v1",
        b"data": data,
    }
    await redis.xadd(LANE.facts, misplaced)
    desk = Desk()
    async with running(redis_url, desk):
        letter = await only_letter(redis)
    assert (letter["reason"], letter["attempts"], desk.begun) == ("misplaced", "1", [])


async def test_a_refused_box_is_dead_at_once(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        raise BoxRefused("box_copied", "sealed for another event")

    await publish(redis)
    async with running(redis_url, Desk(decide)):
        letter = await only_letter(redis)
    assert (letter["reason"], letter["error"]) == ("box_copied", "sealed for another event")
