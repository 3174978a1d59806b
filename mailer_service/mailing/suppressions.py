"""Addresses that mail came back from, and what is not sent to them for it.

A bounce (`replies.BOUNCES`, said to RCPT) puts an address on record. From then on it gets no account mail.
Login mail is still tried, so that one mistaken reply shuts nobody out; if that bounces at least 24 h after
the first one, login mail rests for 24 h and is tried again. A mail that arrives takes the address off the
record, and so do 90 days without a bounce. Mail to administrators, and what an operator replays, goes out
whatever is on record. Postgres judges all of this, in the statements that claim and record a mail.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

SUPPRESSION_RULE: Final[Mapping[str, timedelta]] = {
    # How long after the first bounce a second one says that the first was no mistake.
    "bounces_apart": timedelta(hours=24),
    "login_suppressed_for": timedelta(hours=24),
    # Since the last bounce.
    "suppressed_for": timedelta(days=90),
}


def suppressed_as(address: str) -> str:
    """Write an address as it is on record: case makes no difference, though RFC 5321 would let it."""
    return address.lower()
