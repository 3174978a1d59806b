"""What a real Postfix takes from the mailer arrives whole: every mail once, to whom and as it was written."""

import asyncio
from datetime import timedelta

from mailer_service.mailing.deliveries import Sent
from tests.support.couriers import LedgerBook, attempt, courier, otp_requested
from tests.support.postfix import postfix

MAILS = 200
NAMES = [
    "Ada Lovelace",
    'Grace "Amazing" Hopper',
    "Łukasz Żółć",
    "Ünal, Jr.",
    "山田太郎",
    "",
    "👩‍🚀 Mae",
    "مريم",
]


async def test_200_mails_are_all_there_with_the_right_headers(postgres_url: str) -> None:
    events = [
        otp_requested(f"person-{n}@example.org", name=NAMES[n % len(NAMES)], code=f"{n:06}")
        for n in range(MAILS)
    ]
    async with postfix() as server:
        async with courier(postgres_url, server.url, deadline=timedelta(seconds=60)) as carrier:
            endings = await asyncio.gather(
                *(carrier.deliver(event, position=0, attempt=attempt()) for event in events)
            )
        assert endings == [Sent()] * MAILS
        mails = await server.wait_for(MAILS, within=60)

    assert len(mails) == MAILS
    rows = {row["recipient"]: row for row in await LedgerBook(postgres_url).rows()}
    assert {row["state"] for row in rows.values()} == {"sent"}
    by_recipient = {str(mail["Delivered-To"]): mail for mail in mails}
    assert by_recipient.keys() == rows.keys()
    for n, event in enumerate(events):
        mail = by_recipient[f"person-{n}@example.org"]
        assert mail["Message-ID"] == rows[f"person-{n}@example.org"]["message_id"]
        assert mail["Return-Path"] == "<porter@porter.test>"
        (to,) = mail["To"].addresses
        assert (to.display_name, to.addr_spec) == (NAMES[n % len(NAMES)], f"person-{n}@example.org")
        (sender,) = mail["From"].addresses
        assert (sender.display_name, sender.addr_spec) == ("Porter", "porter@porter.test")
        assert f"{n:06}" in mail["Subject"]
        assert abs(mail["Date"].datetime - event.time) < timedelta(seconds=1)
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["X-Auto-Response-Suppress"] == "All"
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            assert f"{n:06}" in part.get_content()
        assert not mail.defects
