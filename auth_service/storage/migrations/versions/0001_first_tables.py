"""The first tables: users, challenges, sessions, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

SCHEMA = "auth"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", TIME),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.CheckConstraint("email = lower(email)", name="users_email_lower_check"),
        sa.CheckConstraint("role IN ('member', 'admin')", name="users_role_known_check"),
        sa.CheckConstraint(
            "status IN ('unverified', 'pending', 'active', 'rejected', 'suspended')",
            name="users_status_known_check",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "users_administrators", "users", ["id"], schema=SCHEMA, postgresql_where=sa.text("role = 'admin'")
    )
    op.create_table(
        "challenges",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("binding_hash", sa.LargeBinary, nullable=False),
        sa.Column("code_salt", sa.LargeBinary, nullable=False),
        sa.Column("pepper_id", sa.Text, nullable=False),
        sa.Column("digits", sa.SmallInteger, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("proposed_name", sa.Text),
        sa.Column("proposed_locale", sa.Text),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("closed_at", TIME),
        sa.PrimaryKeyConstraint("id", name="challenges_pkey"),
        schema=SCHEMA,
    )
    op.create_index("challenges_expires_at", "challenges", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("last_seen_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="sessions_pkey"),
        sa.UniqueConstraint("token_hash", name="sessions_token_hash_key"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.id"], name="sessions_user_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("sessions_user_id", "sessions", ["user_id"], schema=SCHEMA)
    op.create_index("sessions_expires_at", "sessions", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", TIME),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", postgresql.JSONB, nullable=False),
        sa.Column("published_at", TIME),
        sa.Column("entry_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
        schema=SCHEMA,
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["id"],
        schema=SCHEMA,
        postgresql_where=sa.text("published_at IS NULL"),
    )
