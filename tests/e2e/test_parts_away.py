"""With a part away, requests are still answered, and the mail goes out when the part is back."""

import pytest

from devstack.stack import Stack
from devstack.visitor import Visitor, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACK_WITHIN_SECONDS = 45.0


@pytest.mark.parametrize("part", ["mailer-1", "redis", "inbox"])
async def test_a_request_is_answered_and_its_mail_follows(stack: Stack, part: str) -> None:
    async with Visitor.to(stack.environment, f"before.{part}@example.org") as ada:
        await stack.process(part).stop()
        try:
            expect(await ada.register(), 202, f"a registration without {part}")
            assert await ada.mails() == []
        finally:
            await stack.process(part).start()
        code = await ada.code(within=BACK_WITHIN_SECONDS)
        expect(await ada.verify(code), 403, "the code that came late", code="account_pending")
        assert len(await ada.mails()) == 1


@pytest.mark.parametrize("part", ["mailer-1", "redis", "auth-1", "postgres"])
async def test_a_part_that_crashes_comes_back_and_the_mail_follows(stack: Stack, part: str) -> None:
    async with Visitor.to(stack.environment, f"crash.{part}@example.org") as ada:
        await stack.process(part).kill()
        await stack.process(part).wait_ready()
        await stack.process("auth-1").wait_ready()
        expect(await ada.register(), 202, f"a registration after a crash of {part}")
        await ada.code(within=BACK_WITHIN_SECONDS)


async def test_an_outage_and_a_crash_together_repeat_no_mail(stack: Stack) -> None:
    async with Visitor.to(stack.environment, "once@example.org") as ada:
        await stack.process("redis").stop()
        expect(await ada.register(), 202, "a registration without redis")
        await stack.process("mailer-1").kill()
        await stack.process("redis").start()
        await ada.code(within=BACK_WITHIN_SECONDS)
        await stack.process("mailer-1").wait_ready()
        async with Visitor.to(stack.environment, "later@example.org") as later:
            expect(await later.register(), 202, "a later registration")
            await later.code(within=BACK_WITHIN_SECONDS)
        assert len(await ada.mails()) == 1
