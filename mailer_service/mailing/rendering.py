"""From a letter to the bytes of a mail (RFC 5322), written for the server that gets it."""

import hmac
from datetime import datetime
from email.utils import format_datetime
from itertools import product
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.headers import mailbox_value
from mailer_service.mailing.languages import LANGUAGES, language_for
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.samples import bare_letter, sample_letter
from mailer_service.mailing.skeletons import Skeletons
from mailer_service.mailing.standard import EIGHT_BIT, SEVEN_BIT, standard_message
from mailer_service.mailing.templates import Templates
from mailer_service.mailing.wording import worded


def message_id(event_id: UUID, recipient: Mailbox, *, domain: str) -> str:
    """Derive a mail's Message-ID: the same each time it is tried, different for each recipient."""
    digest = hmac.digest(event_id.bytes, recipient.address.encode(), "sha256")
    return f"<{digest[:20].hex()}@{domain}>"


class Renderer:
    """Writes mails from `sender` about the service at `public_url`; all templates are compiled here, once."""

    def __init__(
        self,
        *,
        sender: Mailbox,
        public_url: str,
        reply_to: Mailbox | None = None,
        brand: Brand | None = None,
    ) -> None:
        self.sender: Final = sender
        named = brand or Brand(name=sender.name or urlsplit(public_url).netloc)
        self._reply_to: Final = reply_to
        self._templates: Final = Templates(brand=named, public_url=public_url)
        self._skeletons: Final = Skeletons(self._templates, sender=sender, reply_to=reply_to)

    @property
    def mails(self) -> tuple[str, ...]:
        """The mails there are, by name."""
        return self._templates.mails

    def prepare(self) -> int:
        """Compile every mail in every language, with all its facts and with as few as may be; tell how many.

        Takes some 4 ms for each. What is not prepared is compiled when it is first sent.
        """
        for mail, language, sample in product(self.mails, LANGUAGES, (sample_letter, bare_letter)):
            self._skeletons.of(mail, language, worded(sample(mail, language).facts, language))
        return len(self._skeletons)

    def render(
        self, letter: Letter, *, message_id: str, written_at: datetime, eight_bit: bool = False
    ) -> bytes:
        """Write the mail: text and HTML, lines ended by CRLF, the same bytes each time for one letter.

        In ASCII unless `eight_bit` (8BITMIME, RFC 6152); the header too, but for the address of a recipient
        who needs SMTPUTF8 (RFC 6532). Raises `HeaderRefused`.
        """
        language = language_for(letter.locale)
        facts = worded(letter.facts, language)
        if eight_bit:
            skeleton = self._skeletons.of(letter.template, language, facts)
            if skeleton is not None:
                raw = skeleton.filled_in(
                    facts,
                    to=mailbox_value(letter.recipient, field="To"),
                    date=format_datetime(written_at),
                    message_id=message_id,
                )
                if raw is not None:
                    return raw
        return standard_message(
            self._templates.fill_in(letter.template, language, facts),
            sender=self.sender,
            recipient=letter.recipient,
            reply_to=self._reply_to,
            message_id=message_id,
            written_at=written_at,
            policy=EIGHT_BIT if eight_bit else SEVEN_BIT,
        )
