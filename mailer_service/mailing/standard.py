"""A mail as the standard library writes it: slow, and right for every server and whatever the mail says."""

from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from hashlib import sha256
from typing import Final, TypeAlias

from mailer_service.mailing.headers import mailbox_value, words_value
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.templates import Words

EIGHT_BIT: Final = SMTP.clone(cte_type="8bit")
"""For servers that offer 8BITMIME (RFC 6152)."""
SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")
"""Readable by every server."""

UNENCODED: Final = "=_"
"""What every boundary begins with, and nothing in quoted-printable or base64 contains."""

Fields: TypeAlias = Iterable[tuple[str, str]]
"""Names of header fields, with their values as they are to stand in the mail."""
Policy: TypeAlias = "EmailPolicy[EmailMessage]"


class _Written(str):
    """The value of a field that is written already, as the policy's documentation asks of a header object."""

    __slots__ = ("name",)
    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def standard_message(
    words: Words,
    *,
    sender: Mailbox,
    recipient: Mailbox,
    reply_to: Mailbox | None,
    message_id: str,
    written_at: datetime,
    policy: Policy,
) -> bytes:
    """Write a mail whose body has lines of at most 78 characters in some transfer encoding (RFC 2045).

    Raises `HeaderRefused`. A recipient who needs SMTPUTF8 stands in the header as UTF-8 (RFC 6532).
    """
    fields = head(
        sender,
        reply_to,
        to=mailbox_value(recipient, field="To"),
        subject=words_value(words.subject, field="Subject"),
        date=format_datetime(written_at),
        message_id=message_id,
    )
    seal = boundary(message_id)
    while seal in words.text or seal in words.html:
        seal = boundary(seal)
    return assembled(fields, words, boundary=seal, policy=policy.clone(utf8=recipient.needs_smtputf8))


def head(
    sender: Mailbox, reply_to: Mailbox | None, *, to: str, subject: str, date: str, message_id: str
) -> Fields:
    """List the header fields of a mail; what is given by keyword is written already."""
    yield "From", mailbox_value(sender, field="From")
    yield "To", to
    if reply_to is not None:
        yield "Reply-To", mailbox_value(reply_to, field="Reply-To")
    yield "Subject", subject
    yield "Date", date
    yield "Message-ID", message_id
    # RFC 3834: nobody's absence note should answer, nor Outlook's read receipts.
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "All"


def boundary(seed: str) -> str:
    """Make what divides a mail's parts: the same for a seed, and guessed by nobody who has not the seed."""
    return f"{UNENCODED}{sha256(seed.encode()).hexdigest()[:32]}"


def assembled(
    fields: Fields, words: Words, *, boundary: str, policy: Policy, encoding: str | None = None
) -> bytes:
    """Put a mail together, text and HTML. Without an `encoding` the library chooses what fits each."""
    mail = EmailMessage(policy=policy)
    for name, value in fields:
        written = _Written(value)
        written.name = name
        mail[name] = written
    mail.set_content(words.text, cte=encoding)
    mail.add_alternative(words.html, subtype="html", cte=encoding)
    mail.set_boundary(boundary)
    return mail.as_bytes()
