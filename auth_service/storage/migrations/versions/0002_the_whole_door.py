"""The whole door: links, devices, budgets of failures, audit events, and what sessions tell of themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

SCHEMA = "auth"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _users()
    _challenges()
    _tokens()
    _sessions()
    _audit_events()
    op.create_index(
        "outbox_published_at",
        "outbox",
        ["published_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )


def _users() -> None:
    op.add_column("users", sa.Column("decision_reason", sa.Text), schema=SCHEMA)
    # The first migration's names went through the naming convention twice.
    for name in ("email_lower", "role_known"):
        rename = f"RENAME CONSTRAINT users_users_{name}_check_check TO users_{name}_check"
        op.execute(sa.text(f"ALTER TABLE {SCHEMA}.users {rename}"))
    op.drop_constraint(op.f("users_users_status_known_check_check"), "users", schema=SCHEMA)
    op.create_check_constraint(
        op.f("users_status_known_check"),
        "users",
        "status IN ('unverified', 'invited', 'pending', 'active', 'rejected', 'suspended')",
        schema=SCHEMA,
    )
    op.create_index(
        "users_unverified",
        "users",
        ["created_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'unverified'"),
    )
    op.create_table(
        "appointments",
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("appointed_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("email", name="appointments_pkey"),
        schema=SCHEMA,
    )


def _challenges() -> None:
    # They live for minutes and whoever waits for one asks again: nothing is lost that a default would save.
    op.execute(sa.text("DELETE FROM auth.challenges"))
    for column in (
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("budget_hash", sa.LargeBinary, nullable=False),
        sa.Column("budget", sa.SmallInteger, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("new_address", sa.Text),
        sa.Column("mailed_at", TIME, nullable=False, server_default=sa.func.now()),
    ):
        op.add_column("challenges", column, schema=SCHEMA)
    op.create_check_constraint(
        op.f("challenges_purpose_known_check"),
        "challenges",
        "purpose IN ('sign_in', 'address_change')",
        schema=SCHEMA,
    )
    op.create_check_constraint(
        op.f("challenges_method_known_check"),
        "challenges",
        "method IN ('otp', 'magic_link', 'otp_and_link')",
        schema=SCHEMA,
    )
    op.create_index("challenges_user_id", "challenges", ["user_id"], schema=SCHEMA)


def _tokens() -> None:
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("challenge_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="links_pkey"),
        sa.ForeignKeyConstraint(
            ["challenge_id"], [f"{SCHEMA}.challenges.id"], name="links_challenge_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("links_challenge_id", "links", ["challenge_id"], schema=SCHEMA)
    op.create_table(
        "budgets",
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("spent", sa.SmallInteger, nullable=False),
        sa.Column("since", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("key_hash", name="budgets_pkey"),
        schema=SCHEMA,
    )
    op.create_index("budgets_since", "budgets", ["since"], schema=SCHEMA)
    op.create_table(
        "devices",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("last_seen_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", "token_hash", name="devices_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.id"], name="devices_user_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("devices_last_seen_at", "devices", ["last_seen_at"], schema=SCHEMA)


def _sessions() -> None:
    op.add_column("sessions", sa.Column("access_hash", sa.LargeBinary), schema=SCHEMA)
    op.create_unique_constraint("sessions_access_hash_key", "sessions", ["access_hash"], schema=SCHEMA)
    # What a session of before was made by and where, nobody noted.
    for name, told in (("method", "otp"), ("device", "")):
        column = sa.Column(name, sa.Text, nullable=False, server_default=told)
        op.add_column("sessions", column, schema=SCHEMA)
        op.alter_column("sessions", name, server_default=None, schema=SCHEMA)
    op.add_column("sessions", sa.Column("client_address", sa.Text), schema=SCHEMA)
    op.create_index("sessions_last_seen_at", "sessions", ["last_seen_at"], schema=SCHEMA)


def _audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("client_address", sa.Text),
        sa.Column("trace_id", sa.Text),
        sa.Column("details", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_events_pkey"),
        schema=SCHEMA,
    )
    for columns in (["subject_id", "id"], ["actor_id", "id"], ["occurred_at"]):
        op.create_index(f"audit_events_{columns[0]}", "audit_events", columns, schema=SCHEMA)
