"""Identifiers that sort by time of making: UUIDv7 (RFC 9562, section 5.7)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a UUIDv7. Its clock orders and decides nothing; Postgres and Redis stamp what counts."""
    return uuid7()
