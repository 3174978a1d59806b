"""A person or service that mail goes to or comes from: a name to show and an address to use."""

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Self

import idna

from contracts.names import plain_name

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


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
        if not at or _LOCAL_PART.fullmatch(local) is None:
            raise AddressUnusable("the part before the @ is not one that SMTP without SMTPUTF8 can carry")
        return cls(name=plain_name(name), local=local, domain=_a_labels(domain))

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `Porter <porter@example.org>` or a bare address. Raises `AddressUnusable`."""
        name, address = parseaddr(written)
        if not address:
            raise AddressUnusable("write it as NAME <USER@HOST>")
        return cls.of(address, name=name)

    @property
    def address(self) -> str:
        """The bare address, as it stands in MAIL and RCPT."""
        return f"{self.local}@{self.domain}"

    def header(self) -> Address:
        """Give the mailbox as a header shows it."""
        return Address(display_name=self.name, username=self.local, domain=self.domain)


def _a_labels(domain: str) -> str:
    """Write a domain in ASCII. Raises `AddressUnusable`."""
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        pass
    # IDNA is stricter than host names in use, as with `_` or a doubled hyphen; such a name is ASCII already.
    if re.fullmatch(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*", domain) is None or len(domain) > 253:  # noqa: PLR2004 - RFC 1035
        raise AddressUnusable("the part after the @ is no domain")
    return domain.lower()
