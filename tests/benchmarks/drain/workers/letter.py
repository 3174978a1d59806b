"""The mail that every system but Porter builds: an `EmailMessage` of the standard library, from three facts.

It says what Porter's own mail says, text and HTML; name and code are filled in by `str.replace`, which costs
less than any template. Of the ways to build it this is the one that took the least processor time.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from typing import Final, Self

SENDER: Final = "porter@example.org"
NAME: Final = "Nomen Nescio"
CODE: Final = "042137"
"""What stands in the letter for the recipient's name and code."""

_POLICY: Final = SMTP.clone(cte_type="8bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """The words, with `NAME` and `CODE` in them."""

    subject: str
    text: str
    html: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what the harness wrote."""
        return cls(**json.loads(path.read_text()))

    def message(self, *, address: str, name: str, code: str) -> bytes:
        """Build the mail to one person."""
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = _mailbox("Porter", SENDER)
        mail["To"] = _mailbox(name, address)
        mail["Subject"] = self.subject.replace(CODE, code)
        mail["Date"] = datetime.now(UTC)
        mail["Message-ID"] = make_msgid(domain="example.org")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.text.replace(NAME, name).replace(CODE, code), cte="8bit")
        html = self.html.replace(NAME, name).replace(CODE, code)
        mail.add_alternative(html, subtype="html", cte="8bit")
        return mail.as_bytes()


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)
