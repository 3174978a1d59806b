"""Ask Porter's mailer for codes as auth_service does: an event with a sealed box, by one XADD.

An XADD that Redis did not confirm is said again, as the outbox relay would; the event stays the same.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.codec import encode
from contracts.events import OtpRequested
from contracts.facts import OtpRequestedData
from contracts.identifiers import new_id
from contracts.sealing import LoginCode, Recipient, Sealer
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings

SOMEONE: Final = UUID("019b7783-332e-71a1-8012-3456789ab001")
LIFE: Final = timedelta(hours=1)
AGAIN_SECONDS: Final = 0.05


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Put]:
    """Lend what publishes an event. `SEALING_KEYS` seal the boxes."""
    sealer = Sealer(os.environ["SEALING_KEYS"].split(","))
    async with Redis.from_url(settings.redis_url) as redis:

        async def put(facts: Facts) -> None:
            event = otp_requested(facts, sealer=sealer)
            fields: dict[Any, Any] = {**encode(event)}
            while True:
                try:
                    await redis.xadd(event.stream.key, fields)
                except (RedisError, OSError):
                    await asyncio.sleep(AGAIN_SECONDS)
                else:
                    return

        yield put


def otp_requested(facts: Facts, *, sealer: Sealer) -> OtpRequested:
    """Write the event that asks for this mail."""
    id_, now = new_id(), datetime.now(UTC)
    recipient = Recipient(address=facts["address"], name=facts["name"])
    box = LoginCode(recipients=(recipient,), code=SecretStr(facts["code"]))
    return OtpRequested(
        id=id_,
        subject=str(SOMEONE),
        time=now,
        sequence="1",
        expirytime=now + LIFE,
        data=OtpRequestedData(
            locale="en", user_id=SOMEONE, challenge_id=id_, sealed=sealer.seal(box, event_id=id_)
        ),
    )
