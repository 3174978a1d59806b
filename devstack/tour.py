"""The tour: someone registers, an administrator lets them in, they sign in by a mailed code and out again."""

from collections.abc import Callable, Mapping
from typing import Final

from devstack.visitor import APPROVAL_MAIL, NOTICE_MAIL, Visitor, expect

NEWCOMER: Final = "ada@example.org"


async def take_tour(
    environment: Mapping[str, str], *, tell: Callable[[str], None], newcomer: str = NEWCOMER
) -> None:
    """Walk through a running stack by HTTP and inbox alone, telling each step once it has worked.

    Raises `Unexpected` at the first step that does not.
    """
    async with (
        Visitor.to(environment, newcomer, name="Ada Lovelace") as ada,
        Visitor.to(environment, environment["ADMIN_EMAIL"]) as admin,
    ):
        await _register(ada, tell)
        await _let_in(admin, ada, tell)
        await _sign_in_and_out(ada, tell)


async def _register(ada: Visitor, tell: Callable[[str], None]) -> None:
    expect(await ada.register(), 202, "a registration")
    tell(f"{ada.email} registers: 202")
    code = await ada.code()
    tell(f"a code arrives in {ada.name}'s inbox: {code}")
    expect(await ada.verify(code), 403, "a newcomer's right code", code="account_pending")
    tell("the right code proves the address, and the account waits for approval: 403 account_pending")


async def _let_in(admin: Visitor, ada: Visitor, tell: Callable[[str], None]) -> None:
    notice = await admin.mail(NOTICE_MAIL)
    tell(f"the administrator has a notice in the inbox: {notice['Subject']!r}")
    await admin.sign_in()
    tell(f"{admin.email} signs in by a code from the inbox: 200")
    pending = expect(await admin.users("pending"), 200, "the list of pending users")["users"]
    newcomer = next(user for user in pending if user["email"] == ada.email)
    tell(f"the administrator sees who waits: {newcomer['name']} <{newcomer['email']}>")
    expect(await admin.approve(newcomer["id"]), 200, "an approval")
    tell("and approves: 200")


async def _sign_in_and_out(ada: Visitor, tell: Callable[[str], None]) -> None:
    approval = await ada.mail(APPROVAL_MAIL)
    tell(f"{ada.name} is told so by mail: {approval['Subject']!r}")
    expect(await ada.ask_for_code(), 202, "a request for a code")
    code = await ada.code()
    tell(f"they ask for a code to sign in with, and it arrives: {code}")
    expect(await ada.verify(code), 200, "the right code")
    tell("the code signs them in: 200")
    me = expect(await ada.me(), 200, "/v1/me")
    tell(f"/v1/me knows them: {me.get('name', '')} <{me.get('email', '')}>")
    expect(await ada.sign_out(), 204, "a sign-out")
    expect(await ada.me(), 401, "/v1/me after the sign-out")
    tell("they sign out, and /v1/me answers 401")
