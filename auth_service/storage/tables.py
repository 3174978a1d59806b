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
    CheckConstraint("email = lower(email)", name="email_lower"),
    CheckConstraint("role IN ('member', 'admin')", name="role_known"),
    CheckConstraint(
        "status IN ('unverified', 'pending', 'active', 'rejected', 'suspended')", name="status_known"
    ),
    Index("users_administrators", "id", postgresql_where=text("role = 'admin'")),
)

challenges = Table(
    "challenges",
    metadata,
    Column("id", Uuid, primary_key=True),
    # No foreign key: its check would lock a user's row, a write that a decoy has no counterpart for.
    Column("user_id", Uuid),
    Column("binding_hash", LargeBinary, nullable=False),
    Column("code_salt", LargeBinary, nullable=False),
    Column("pepper_id", Text, nullable=False),
    Column("digits", SmallInteger, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("proposed_name", Text),
    Column("proposed_locale", Text),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    Index("challenges_expires_at", "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("last_seen_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
    Index("sessions_expires_at", "expires_at"),
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
)
