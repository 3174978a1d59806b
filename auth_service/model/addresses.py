"""Mail addresses as they are stored and compared: lower-cased, the domain as A-label (RFC 5890)."""

import re
from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

# Companies sign in people at .local, .internal and .test as well; the library's list is meant to be edited.
SPECIAL_USE_DOMAIN_NAMES.clear()

ADDRESS_CHARACTERS_MAX: Final = 254
"""RFC 3696 erratum 1690: what fits in an SMTP path."""

LOCAL_PART_CHARACTERS_MAX: Final = 64
"""RFC 5321, 4.5.3.1.1."""

_LAST_LABEL = re.compile(r"\.[^.]*[a-z][^.]*$")


class AddressRefused(ValueError):
    """Mail cannot reach what was written; the message says what it lacks and repeats none of it."""


def canonical_address(written: str) -> str:
    """Bring an address into its one form. Raises `AddressRefused`.

    Whether the domain exists is not asked: the code in the mail proves more, and a look-up could be watched.
    """
    written = written.strip()
    local, at, domain = written.rpartition("@")
    if not (local and at and domain):
        raise AddressRefused("needs an @ between name and domain, as in ada@example.org")
    if len(written) > ADDRESS_CHARACTERS_MAX:
        raise AddressRefused(f"is longer than {ADDRESS_CHARACTERS_MAX} characters")
    if not local.isascii():
        raise AddressRefused("may have only ASCII letters before the @ for now")
    if len(local) > LOCAL_PART_CHARACTERS_MAX:
        raise AddressRefused(f"is longer than {LOCAL_PART_CHARACTERS_MAX} characters before the @")
    if "=?" in local:  # a mail program that decodes it (RFC 2047) reads another address
        raise AddressRefused("may not have =? before the @")
    if "." not in domain:
        raise AddressRefused("needs a domain with a dot, as in ada@example.org")
    try:
        parts = validate_email(
            written, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except (EmailNotValidError, UnicodeError):
        raise AddressRefused("is not a mail address, such as ada@example.org") from None
    address = f"{parts.local_part}@{parts.ascii_domain}".lower()
    if not _LAST_LABEL.search(address):
        raise AddressRefused("needs a domain name after the @, not a number")
    return address


def masked_address(address: str) -> str:
    """Show an address to whoever has its link: enough to know one's own, too little to learn another's.

    `a•••@e•••.org`: the first letters before and after the @, and the last label of the domain; how long the
    rest is, nothing tells.
    """
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"
