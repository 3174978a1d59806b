"""Note when a mail was taken over in mid-send: for a while only its provider may try it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column(
            "taken_over_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="In mid-send, from whoever died.",
        ),
        schema="mailer",
    )


def downgrade() -> None:
    op.drop_column("deliveries", "taken_over_at", schema="mailer")
