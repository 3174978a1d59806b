"""Make the ledger of mails."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "deliveries",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column(
            "recipient", sa.Text, nullable=False, comment="Address; empty where the box could not be read."
        ),
        sa.Column(
            "position", sa.SmallInteger, nullable=False, comment="Which of the event's recipients, from 0."
        ),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False, comment="Consumer that holds or held the claim."),
        sa.Column("claim", sa.Uuid, nullable=True, comment="The one claim that may record an ending."),
        sa.Column("claimed_at", moment, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column(
            "unclear", sa.SmallInteger, nullable=False, server_default="0", comment="DATA without a reply."
        ),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("error", sa.Text, nullable=True, comment="With the address and the code masked."),
        sa.Column("provider", sa.Text, nullable=True),
        sa.Column("message_id", sa.Text, nullable=True),
        sa.Column("reply", sa.Text, nullable=True, comment="The server's last words, masked like `error`."),
        sa.Column("occurred_at", moment, nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("event_id", "recipient", name="deliveries_pkey"),
        sa.CheckConstraint(
            "state IN ('sending', 'waiting', 'sent', 'expired', 'suppressed', 'dead', 'unconfirmed')",
            name="deliveries_state",
        ),
        schema="mailer",
    )
    # Oldest first for forgetting, newest first for an operator's list.
    op.create_index("deliveries_created_at", "deliveries", ["created_at"], schema="mailer")


def downgrade() -> None:
    op.drop_table("deliveries", schema="mailer")
