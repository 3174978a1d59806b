"""Mails as the ledger notes them, and claims to them."""

from datetime import timedelta
from uuid import uuid4

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.ledger import Claim, Ledger, Mail, NotClaimed
from tests.support.couriers import attempt, now

FIRST = "first.test:25"
"""The provider that claims name."""


def a_mail(*, expires_in: timedelta = timedelta(minutes=10)) -> Mail:
    """Make one of a minute ago, new to every ledger."""
    return Mail(
        event_id=uuid4(),
        recipient="ada@example.org",
        position=0,
        event_type="porter.auth.otp_requested.v1",
        template="otp_code",
        stream="login",
        occurred_at=now() - timedelta(minutes=1),
        expires_at=now() + expires_in,
    )


async def claimed(
    ledger: Ledger,
    mail: Mail,
    *,
    owner: str = "host-1",
    taken_from: tuple[str, ...] = (),
    reopen: Reopen = Reopen.NOTHING,
    provider: str = FIRST,
) -> Claim | NotClaimed:
    """Try to take a mail in hand."""
    return await ledger.claim(
        mail,
        attempt(owner=owner, taken_from=taken_from, reopen=reopen),
        message_id="<m@porter.test>",
        provider=provider,
    )
