"""Events as auth_service would write them, each to an address of its own, so that copies can be counted."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.codec import encode
from contracts.events import AccountApproved, AnyEvent, OtpRequested, UserRegistered
from contracts.facts import AccountApprovedData, OtpRequestedData, UserRegisteredData
from contracts.identifiers import new_id
from contracts.sealing import Contents, LoginCode, Newcomer, Recipient, Sealer, new_key
from tests.support.waiting import until

KEY = new_key()
SEALER = Sealer([KEY])
SOMEONE = UUID("019b7783-332e-71a1-8012-3456789ab001")
AWAY_SECONDS_MAX = 120.0
"""For so long a scenario may keep Redis from whoever publishes."""


def a_code(address: str, *, life: timedelta = timedelta(hours=1)) -> OtpRequested:
    """Ask for a one-time code that is worth something for `life`."""
    id_, now = new_id(), datetime.now(UTC)
    box = LoginCode(recipients=(Recipient(address=address, name="Ada"),), code=SecretStr("042137"))
    return OtpRequested(
        id=id_,
        subject=str(SOMEONE),
        time=now,
        sequence="1",
        expirytime=now + life,
        data=OtpRequestedData(
            locale="en", user_id=SOMEONE, challenge_id=id_, sealed=SEALER.seal(box, event_id=id_)
        ),
    )


def codes(count: int, *, name: str = "person") -> list[OtpRequested]:
    """Ask for `count` codes, each for a person of their own."""
    return [a_code(f"{name}-{number}@example.org") for number in range(count)]


def a_notice(addresses: Sequence[str]) -> UserRegistered:
    """Tell these administrators of a newcomer."""
    id_ = new_id()
    box = Newcomer(
        recipients=tuple(Recipient(address=address, name="Admin") for address in addresses),
        address="newcomer@example.org",
        name="Newcomer",
    )
    return UserRegistered(
        id=id_,
        subject=str(SOMEONE),
        time=datetime.now(UTC),
        sequence="1",
        data=UserRegisteredData(
            locale="en",
            recipients=len(addresses),
            user_id=SOMEONE,
            sealed=SEALER.seal(box, event_id=id_),
        ),
    )


def an_approval(address: str) -> AccountApproved:
    """Tell somebody that they were let in."""
    id_ = new_id()
    box = Contents(recipients=(Recipient(address=address, name="Ada"),))
    return AccountApproved(
        id=id_,
        subject=str(SOMEONE),
        time=datetime.now(UTC),
        sequence="1",
        data=AccountApprovedData(
            locale="en", user_id=SOMEONE, approved_by=SOMEONE, sealed=SEALER.seal(box, event_id=id_)
        ),
    )


async def publish(redis: "Redis", events: Iterable[AnyEvent], *, per_second: float = 2000.0) -> None:
    """Publish at a steady rate. What Redis did not confirm is published again, as the relay does."""
    began = time.monotonic()
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        await until(partial(_is_confirmed, redis, event), within=AWAY_SECONDS_MAX, every=0.05)


async def _is_confirmed(redis: "Redis", event: AnyEvent) -> bool:
    """Publish an event, and tell whether Redis has said that it has it."""
    fields: dict[Any, Any] = {**encode(event)}
    try:
        await redis.xadd(event.stream.key, fields)
    except (RedisError, OSError):
        return False
    return True
