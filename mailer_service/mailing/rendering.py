"""From a letter to the bytes of a mail (RFC 5322): templates filled in, headers that say what it is."""

import hashlib
import hmac
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from contracts.names import plain_name
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.mailbox import Mailbox

TEMPLATES: Final = Path(__file__).parent / "templates"
PARTS: Final = ("subject.txt", "body.txt", "body.html")

SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")
"""Readable by every server, whether or not it offers 8BITMIME (RFC 6152)."""


def message_id(event_id: UUID, recipient: Mailbox, *, domain: str) -> str:
    """Derive a mail's Message-ID: the same each time it is tried, different for each recipient."""
    digest = hmac.new(event_id.bytes, recipient.address.encode(), hashlib.sha256).hexdigest()
    return f"<{digest[:40]}@{domain}>"


class Renderer:
    """Writes mails from `sender` about the service at `public_url`; all templates are compiled here, once."""

    def __init__(self, *, sender: Mailbox, public_url: str) -> None:
        self.sender: Final = sender
        host = urlsplit(public_url).netloc
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.globals.update(
            service=sender.name or host,
            host=host,
            admin_url=f"{public_url}/admin",
            login_url=f"{public_url}/login",
            account_url=f"{public_url}/account",
        )
        self._templates: Final[dict[str, tuple[Template, Template, Template]]] = {
            folder.name: _compiled(environment, folder.name)
            for folder in sorted(TEMPLATES.iterdir())
            if folder.is_dir()
        }

    @property
    def mails(self) -> tuple[str, ...]:
        """The mails there are, by name."""
        return tuple(self._templates)

    def render(self, letter: Letter, *, message_id: str, written_at: datetime) -> bytes:
        """Write the mail: text and HTML, in ASCII, lines ended by CRLF; the same bytes for a letter."""
        subject, text, html = self._templates[letter.template]
        facts = {**letter.facts, "lang": "en"}
        mail = EmailMessage(policy=SEVEN_BIT)
        mail["From"] = self.sender.header()
        mail["To"] = letter.recipient.header()
        mail["Subject"] = plain_name(subject.render(facts))
        mail["Date"] = written_at
        mail["Message-ID"] = message_id
        # RFC 3834: nobody's absence note should answer, nor Outlook's read receipts.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(text.render(facts))
        mail.add_alternative(html.render(facts), subtype="html")
        mail.set_boundary(f"part-{message_id[1:33]}")
        return mail.as_bytes()


def _compiled(environment: Environment, mail: str) -> tuple[Template, Template, Template]:
    subject, text, html = (environment.get_template(f"{mail}/{part}") for part in PARTS)
    return subject, text, html
