"""The tables. Postgres stamps every time; `expires_at` and its like are judged by `now()` in SQL."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA: Final = "auth"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)

_TIME = DateTime(timezone=True)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("decided_by", Uuid),
    Column("decided_at", _TIME),
    Column("decision_reason", Text),
    CheckConstraint("email = lower(email)", name="email_lower"),
    CheckConstraint("role IN ('member', 'admin')", name="role_known"),
    CheckConstraint(
        "status IN ('unverified', 'invited', 'pending', 'active', 'rejected', 'suspended')",
        name="status_known",
    ),
    Index("users_administrators", "id", postgresql_where=text("role = 'admin'")),
    Index("users_unverified", "created_at", postgresql_where=text("status = 'unverified'")),
)

# Addresses that the settings have made administrators of, whatever was decided about them since.
appointments = Table(
    "appointments",
    metadata,
    Column("email", Text, primary_key=True),
    Column("appointed_at", _TIME, nullable=False, server_default=func.now()),
)

challenges = Table(
    "challenges",
    metadata,
    Column("id", Uuid, primary_key=True),
    # No foreign key: its check would lock a user's row, a write that a decoy has no counterpart for.
    Column("user_id", Uuid),
    Column("purpose", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("binding_hash", LargeBinary, nullable=False),
    Column("code_salt", LargeBinary, nullable=False),
    Column("pepper_id", Text, nullable=False),
    Column("digits", SmallInteger, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("address_hash", LargeBinary, nullable=False),
    # Where its failures count, beyond its own attempts, and how many may: a day's, over all challenges.
    Column("budget_hash", LargeBinary, nullable=False),
    Column("budget", SmallInteger, nullable=False),
    Column("locale", Text, nullable=False),
    Column("proposed_name", Text),
    Column("proposed_locale", Text),
    Column("new_address", Text),
    Column("mailed_at", _TIME, nullable=False, server_default=func.now()),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    CheckConstraint("purpose IN ('sign_in', 'address_change')", name="purpose_known"),
    CheckConstraint("method IN ('otp', 'magic_link', 'otp_and_link')", name="method_known"),
    Index("challenges_expires_at", "expires_at"),
    Index("challenges_user_id", "user_id"),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("challenge_id", Uuid, ForeignKey(challenges.c.id, ondelete="CASCADE"), nullable=False, index=True),
)

budgets = Table(
    "budgets",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("spent", SmallInteger, nullable=False),
    Column("since", _TIME, nullable=False, server_default=func.now()),
    Index("budgets_since", "since"),
)

devices = Table(
    "devices",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("token_hash", LargeBinary, primary_key=True),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("last_seen_at", _TIME, nullable=False, server_default=func.now()),
    Index("devices_last_seen_at", "last_seen_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    # Of the cookie for protected applications, which opens `sessions/verify` and nothing else.
    Column("access_hash", LargeBinary, unique=True),
    Column("method", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("client_address", Text),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("last_seen_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
    Index("sessions_expires_at", "expires_at"),
    Index("sessions_last_seen_at", "last_seen_at"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("occurred_at", _TIME, nullable=False, server_default=func.now()),
    Column("action", Text, nullable=False),
    # No foreign keys: what was done outlives who did it.
    Column("actor_id", Uuid),
    Column("subject_id", Uuid),
    Column("client_address", Text),
    Column("trace_id", Text),
    Column("details", JSONB, nullable=False),
    Index("audit_events_subject_id", "subject_id", "id"),
    Index("audit_events_actor_id", "actor_id", "id"),
    Index("audit_events_occurred_at", "occurred_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text),
    Column("sequence", Integer, nullable=False),
    Column("occurred_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME),
    Column("traceparent", Text),
    Column("data", JSONB, nullable=False),
    Column("published_at", _TIME),
    Column("entry_id", Text),
    Index("outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")),
    Index("outbox_published_at", "published_at", postgresql_where=text("published_at IS NOT NULL")),
)
