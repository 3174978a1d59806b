"""The story of Porter: someone registers, an administrator lets them in, they sign in with a mailed code.

Everything here is real: both services, Postgres, Redis, SMTP. The visitors know only HTTP and their inbox.
"""

import pytest

from devstack.stack import Stack
from devstack.visitor import APPROVAL_MAIL, CODE_MAIL, NOTICE_MAIL, Visitor, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_newcomer_registers_is_approved_and_signs_in(stack: Stack) -> None:
    async with (
        Visitor.to(stack.environment, "ada@example.org", name="Ada Lovelace") as ada,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
    ):
        # Ada registers. She proves her address with a mailed code, and has to wait for approval.
        expect(await ada.register(), 202, "her registration")
        expect(await ada.verify(await ada.code()), 403, "her code", code="account_pending")

        # The administrator is told by mail, signs in the same way, sees Ada waiting, and lets her in.
        notice = await admin.mail(NOTICE_MAIL)
        assert "ada@example.org" in notice["Text"]
        await admin.sign_in()
        waiting = expect(await admin.users("pending"), 200, "who waits")["users"]
        assert [(user["email"], user["name"]) for user in waiting] == [("ada@example.org", "Ada Lovelace")]
        expect(await admin.approve(waiting[0]["id"]), 200, "the approval")

        # Ada is told by mail, asks for a code, and is in.
        approval = await ada.mail(APPROVAL_MAIL)
        assert "/login" in approval["Text"]
        await ada.sign_in()
        me = expect(await ada.me(), 200, "who she is")
        assert (me["email"], me["name"], me["status"]) == ("ada@example.org", "Ada Lovelace", "active")

        # She signs out, and her session is worth nothing any more.
        expect(await ada.sign_out(), 204, "her sign-out")
        expect(await ada.me(), 401, "her session after the sign-out")


async def test_the_first_mail_repeats_no_name_that_nobody_has_proved(stack: Stack) -> None:
    async with Visitor.to(stack.environment, "grace@example.org", name="Buy at evil.example") as grace:
        expect(await grace.register(), 202, "her registration")
        mail = await grace.mail(CODE_MAIL)
        assert mail["To"] == [{"Name": "", "Address": "grace@example.org"}]
        for body in (mail["Subject"], mail["Text"], mail["HTML"]):
            assert body
            assert "evil" not in body


async def test_a_stranger_is_answered_like_everyone_and_gets_no_mail(stack: Stack) -> None:
    async with (
        Visitor.to(stack.environment, "nobody@example.org") as nobody,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
    ):
        stranger = expect(await nobody.ask_for_code(), 202, "a stranger's request")
        known = expect(await admin.ask_for_code(), 202, "an administrator's request")
        assert stranger.keys() == known.keys()
        await admin.code()  # asked for later, on the same stream: the stranger's turn is over
        assert await nobody.mails() == []
        expect(await nobody.verify("000000"), 400, "a guess", code="invalid_code")


async def test_five_wrong_codes_close_the_challenge_even_for_the_right_one(stack: Stack) -> None:
    async with Visitor.to(stack.environment, "mallory@example.org") as mallory:
        expect(await mallory.register(), 202, "a registration")
        right = await mallory.code()
        wrong = "111111" if right != "111111" else "222222"
        left = [
            expect(await mallory.verify(wrong), 400, "a wrong code", code="invalid_code")["attempts_left"]
            for _ in range(5)
        ]
        assert left == [4, 3, 2, 1, 0]
        expect(await mallory.verify(right), 410, "the right code, too late", code="challenge_closed")
