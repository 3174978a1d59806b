"""The mailer's tables: what became of each mail, how its tries failed, which addresses are suppressed."""

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
    Column(
        "taken_over_at", DateTime(timezone=True), nullable=True, comment="In mid-send, from whoever died."
    ),
    PrimaryKeyConstraint("event_id", "recipient", name="deliveries_pkey"),
    CheckConstraint(
        "state IN ('sending', 'waiting', 'sent', 'expired', 'suppressed', 'dead', 'unconfirmed')",
        name="deliveries_state",
    ),
    # Oldest first for forgetting, newest first for an operator's list.
    Index("deliveries_created_at", "created_at"),
)

delivery_attempts: Final = Table(
    "delivery_attempts",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False, comment="Which of the event's recipients, from 0."),
    Column("begun_at", DateTime(timezone=True), nullable=False, comment="When the mail was claimed."),
    Column("ended_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("number", Integer, nullable=False),
    Column("owner", Text, nullable=False, comment="Consumer that tried."),
    Column("provider", Text, nullable=True),
    Column("state", Text, nullable=False, comment="What became of the mail by it."),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False, comment="With the address and the code masked."),
    PrimaryKeyConstraint("event_id", "position", "begun_at", name="delivery_attempts_pkey"),
    comment="Tries that did not end in a 250, which the mail's own row forgets at the next. No address.",
)

suppressions: Final = Table(
    "suppressions",
    metadata,
    Column("address", Text, nullable=False, comment="In lower case."),
    Column("bounces", Integer, nullable=False),
    Column("first_bounced_at", DateTime(timezone=True), nullable=False),
    Column("last_bounced_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="Till then only login mail is sent."),
    Column("login_until", DateTime(timezone=True), nullable=True, comment="Till then not even that."),
    Column("event_id", Uuid, nullable=False, comment="The mail that bounced last."),
    Column("provider", Text, nullable=True),
    Column("error", Text, nullable=False, comment="The server's words, with the address masked."),
    PrimaryKeyConstraint("address", name="suppressions_pkey"),
)
