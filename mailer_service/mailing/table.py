"""The ledger's table: what became of each mail, one row a mail, kept for 35 days."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)

SCHEMA: Final = "mailer"

metadata = MetaData(schema=SCHEMA)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False, comment="Address; empty where the box could not be read."),
    Column("position", SmallInteger, nullable=False, comment="Which of the event's recipients, from 0."),
    Column("event_type", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False, comment="Consumer that holds or held the claim."),
    Column("claim", Uuid, nullable=True, comment="The one claim that may record an ending."),
    Column("claimed_at", DateTime(timezone=True), nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unclear", SmallInteger, nullable=False, server_default="0", comment="DATA without a reply."),
    Column("reason", Text, nullable=True),
    Column("error", Text, nullable=True, comment="With the address and the code masked."),
    Column("provider", Text, nullable=True),
    Column("message_id", Text, nullable=True),
    Column("reply", Text, nullable=True, comment="The server's last words, masked like `error`."),
    Column("occurred_at", DateTime(timezone=True), nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("event_id", "recipient", name="deliveries_pkey"),
    CheckConstraint(
        "state IN ('sending', 'waiting', 'sent', 'expired', 'suppressed', 'dead', 'unconfirmed')",
        name="deliveries_state",
    ),
    # Oldest first for forgetting, newest first for an operator's list.
    Index("deliveries_created_at", "created_at"),
)
