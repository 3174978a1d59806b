"""A mail as it was delivered."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from functools import cached_property
from typing import Final, Literal

SNIPPET_CHARACTERS: Final = 250


@dataclass(frozen=True)
class Mail:
    """What one SMTP transaction delivered: its envelope and its content, byte by byte."""

    id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The content, parsed, with lines that end as Python's do."""
        parsed = message_from_bytes(self.raw.replace(b"\r\n", b"\n"), policy=policy.default)
        assert isinstance(parsed, EmailMessage)  # noqa: S101 - the default policy makes no other class
        return parsed

    @property
    def subject(self) -> str:
        """The subject in clear, empty when there is none."""
        return str(self.message.get("Subject", ""))

    @property
    def message_id(self) -> str:
        """The Message-ID without its brackets."""
        return str(self.message.get("Message-ID", "")).strip().strip("<>")

    def addresses(self, header: Literal["From", "To", "Cc", "Bcc", "Reply-To"]) -> tuple[Address, ...]:
        """Read an address header."""
        value = self.message.get(header)
        return value.addresses if isinstance(value, AddressHeader) else ()

    def body(self, kind: Literal["plain", "html"]) -> str:
        """Read a body, empty when the mail has none of this kind."""
        part = self.message.get_body((kind,))
        if part is None:
            return ""
        try:
            return str(part.get_content())
        except LookupError:  # a charset that nobody knows
            return "(unreadable: the mail names an unknown character set)"

    @property
    def snippet(self) -> str:
        """The first words of the text."""
        return " ".join(self.body("plain").split())[:SNIPPET_CHARACTERS]
