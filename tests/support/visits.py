"""People who come and go for as long as a test looks on."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from devstack.tour import take_tour
from devstack.visitor import Visitor, expect

WRONG = "000000"


@asynccontextmanager
async def visits(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Let newcomers take the tour one after another, and people mistype codes, until the end.

    Raises what went wrong with them.
    """
    coming = asyncio.create_task(_come_and_go(environment))
    try:
        yield
    finally:
        if coming.done():
            coming.result()
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _come_and_go(environment: Mapping[str, str]) -> None:
    for number in itertools.count(1):
        await take_tour(environment, tell=lambda _: None, newcomer=f"guest.{number}@example.org")
        async with Visitor.to(environment, f"guest.{number}@example.org") as guest:
            await guest.sign_in()
            for _ in range(3):
                expect(await guest.me(), 200, "/v1/me")
            expect(await guest.ask_for_code(), 202, "a request for a code")
            code = await guest.code()
            expect(await guest.verify(WRONG if code != WRONG else "000001"), 400, "a wrong code")
