"""Remember which addresses bounced, and how each failed try went."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column(
            "position", sa.SmallInteger, nullable=False, comment="Which of the event's recipients, from 0."
        ),
        sa.Column("begun_at", moment, nullable=False, comment="When the mail was claimed."),
        sa.Column("ended_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False, comment="Consumer that tried."),
        sa.Column("provider", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False, comment="What became of the mail by it."),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False, comment="With the address and the code masked."),
        sa.PrimaryKeyConstraint("event_id", "position", "begun_at", name="delivery_attempts_pkey"),
        comment="Tries that did not end in a 250, which the mail's own row forgets at the next. No address.",
        schema="mailer",
    )
    op.create_table(
        "suppressions",
        sa.Column("address", sa.Text, nullable=False, comment="In lower case."),
        sa.Column("bounces", sa.Integer, nullable=False),
        sa.Column("first_bounced_at", moment, nullable=False),
        sa.Column("last_bounced_at", moment, nullable=False),
        sa.Column("until", moment, nullable=False, comment="Till then only login mail is sent."),
        sa.Column("login_until", moment, nullable=True, comment="Till then not even that."),
        sa.Column("event_id", sa.Uuid, nullable=False, comment="The mail that bounced last."),
        sa.Column("provider", sa.Text, nullable=True),
        sa.Column("error", sa.Text, nullable=False, comment="The server's words, with the address masked."),
        sa.PrimaryKeyConstraint("address", name="suppressions_pkey"),
        schema="mailer",
    )


def downgrade() -> None:
    op.drop_table("suppressions", schema="mailer")
    op.drop_table("delivery_attempts", schema="mailer")
