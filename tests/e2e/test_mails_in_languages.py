"""Mails come in the language of whoever they go to."""

import httpx
import pytest

from devstack.stack import Stack
from devstack.visitor import NOTICE_MAIL, Visitor, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("locale", "code_mail", "words", "approval_mail"),
    [
        ("de", "ist Ihr Code für", "Er gilt einmal und 10 Minuten lang", "Ihr Konto bei Porter ist bereit"),
        ("pt_BR", "é o seu código para", "Ele vale uma única vez, por 10 minutos", "Sua conta em Porter"),
    ],
)
async def test_a_newcomer_is_written_to_in_their_language_and_the_administrator_in_theirs(
    stack: Stack, locale: str, code_mail: str, words: str, approval_mail: str
) -> None:
    email = f"{locale.lower()}@example.org"
    async with (
        Visitor.to(stack.environment, email) as newcomer,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
        httpx.AsyncClient(base_url=stack.environment["AUTH_URL"], trust_env=False) as client,
    ):
        asked = {"email": email, "name": "Jörg Ünal", "locale": locale, "transport": "bearer"}
        begun = expect(await client.post("/v1/registrations", json=asked), 202, "the registration")
        mail = await newcomer.mail(code_mail)
        assert words in " ".join(mail["Text"].split())
        assert f'lang="{locale.replace("_", "-")}"' in mail["HTML"]
        proved = await client.post(
            f"/v1/login/challenges/{begun['challenge_id']}/verify",
            json={"code": mail["Subject"].split()[0]},
            headers={"Porter-Binding": begun["binding"]},
        )
        expect(proved, 403, "the code", code="account_pending")

        assert "Jörg Ünal" in (await admin.mail(NOTICE_MAIL))["Subject"]
        await admin.sign_in()
        (waiting,) = expect(await admin.users("pending"), 200, "who waits")["users"]
        expect(await admin.approve(waiting["id"]), 200, "the approval")
        assert "/login" in (await newcomer.mail(approval_mail))["Text"]
