"""A person or service that mail goes to or comes from: a name to show and an address to use."""

import re
import unicodedata
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final, Self

import idna

from contracts.names import plain_name

LOCAL_PART_BYTES_MAX: Final = 64
"""RFC 5321, 4.5.3.1.1."""

DOMAIN_CHARACTERS_MAX: Final = 253
"""RFC 1035, 2.3.4, written with dots."""

_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_ASCII: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*")


class AddressUnusable(ValueError):
    """No mail can be sent there; the message does not repeat the address."""

    reason = "address_unusable"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address whose domain is in A-labels (RFC 5890), and a name that fits a header."""

    name: str
    local: str
    domain: str

    @classmethod
    def of(cls, address: str, *, name: str = "") -> Self:
        """Take an address apart. Raises `AddressUnusable`."""
        local, at, domain = address.rpartition("@")
        local = unicodedata.normalize("NFC", local)
        if not at or not _is_local_part(local):
            raise AddressUnusable("the part before the @ is not one that SMTP can carry")
        return cls(name=plain_name(name), local=local, domain=_a_labels(domain))

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `Porter <porter@example.org>` or a bare address. Raises `AddressUnusable`.

        It is a service's own address: beyond ASCII it would let mail go by servers with SMTPUTF8 only.
        """
        name, address = parseaddr(written)
        if not address:
            raise AddressUnusable("write it as NAME <USER@HOST>")
        mailbox = cls.of(address, name=name)
        if mailbox.needs_smtputf8:
            raise AddressUnusable("the part before the @ has a letter beyond ASCII")
        return mailbox

    @property
    def address(self) -> str:
        """The bare address, as it stands in MAIL and RCPT."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 (RFC 6531) takes mail for this address."""
        return not self.local.isascii()


def _is_local_part(local: str) -> bool:
    """Tell whether SMTP carries it bare: atoms between dots, of ASCII or any other letters (RFC 6531, 3.3).

    What looks like an encoded word (RFC 2047) is refused: a program that decodes it reads another address.
    """
    others = "".join(character for character in local if not character.isascii())
    return (
        0 < len(local.encode(errors="replace")) <= LOCAL_PART_BYTES_MAX
        and _ASCII.fullmatch("".join(character for character in local if character.isascii())) is not None
        and "=?" not in local
        and all(local.split("."))
        and others.isprintable()
        and not any(character.isspace() for character in others)
    )


def _a_labels(domain: str) -> str:
    """Write a domain in ASCII. Raises `AddressUnusable`."""
    if _HOST.fullmatch(domain) and len(domain) <= DOMAIN_CHARACTERS_MAX:
        # ASCII already, even where IDNA is stricter than host names in use, as with `_` or a doubled hyphen.
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise AddressUnusable("the part after the @ is no domain") from None
