"""From a letter to the bytes of a mail (RFC 5322): templates filled in, headers that say what it is."""

import hashlib
import hmac
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.templates import Templates

SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")
"""Readable by every server, whether or not it offers 8BITMIME (RFC 6152)."""


def message_id(event_id: UUID, recipient: Mailbox, *, domain: str) -> str:
    """Derive a mail's Message-ID: the same each time it is tried, different for each recipient."""
    digest = hmac.new(event_id.bytes, recipient.address.encode(), hashlib.sha256).hexdigest()
    return f"<{digest[:40]}@{domain}>"


class Renderer:
    """Writes mails from `sender` about the service at `public_url`; all templates are compiled here, once."""

    def __init__(self, *, sender: Mailbox, public_url: str, brand: Brand | None = None) -> None:
        self.sender: Final = sender
        named = brand or Brand(name=sender.name or urlsplit(public_url).netloc)
        self._templates: Final = Templates(brand=named, public_url=public_url)

    @property
    def mails(self) -> tuple[str, ...]:
        """The mails there are, by name."""
        return self._templates.mails

    def render(self, letter: Letter, *, message_id: str, written_at: datetime) -> bytes:
        """Write the mail: text and HTML, in ASCII, lines ended by CRLF; the same bytes for a letter."""
        words = self._templates.words(letter)
        mail = EmailMessage(policy=SEVEN_BIT)
        mail["From"] = self.sender.header()
        mail["To"] = letter.recipient.header()
        mail["Subject"] = words.subject
        mail["Date"] = written_at
        mail["Message-ID"] = message_id
        # RFC 3834: nobody's absence note should answer, nor Outlook's read receipts.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(words.text)
        mail.add_alternative(words.html, subtype="html")
        mail.set_boundary(f"part-{message_id[1:33]}")
        return mail.as_bytes()
