"""From an event to what is to be written to whom: an opened box, addressed to one of its recipients."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.events import AnyEvent
from contracts.sealing import BoxRefused, Sealer
from mailer_service.mailing.boxes import open_box
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.mails import ADDRESS_CHANGE_CODE
from mailer_service.mailing.wording import Fact, called

TO_STRANGERS: Final = frozenset({ADDRESS_CHANGE_CODE})
"""Mails that go where someone says that they read mail, which nobody has proved yet. They name nobody."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one mail says, before it has a form. Lives in memory only: `facts` may hold a code or a link."""

    template: str
    recipient: Mailbox
    locale: str
    facts: Mapping[str, Fact] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not appear in a log or in the ledger, whoever repeats it."""
    administrator: bool = False
    """Whether the recipient is one: mail to them is never suppressed."""


def open_letter(event: AnyEvent, *, position: int, sealer: Sealer) -> Letter:
    """Open an event's box and address the letter to recipient `position`, from 0.

    Raises `BoxRefused`, and `AddressUnusable` when SMTP cannot carry the address.
    """
    opened = open_box(event, sealer=sealer)
    if not 0 <= position < len(opened.recipients):
        raise BoxRefused(
            "box_malformed", f"the box names {len(opened.recipients)} recipients, none at {position}"
        )
    recipient = opened.recipients[position]
    name = "" if opened.template in TO_STRANGERS else called(recipient.name)
    mailbox = Mailbox.of(recipient.address, name=name)
    return Letter(
        template=opened.template,
        recipient=mailbox,
        locale=recipient.locale,
        facts={"name": mailbox.name, **opened.facts},
        secrets=opened.secrets,
        administrator=recipient.administrator,
    )
