"""What Alembic runs: migrations on the connection (and in the transaction) that `migrate` hands over."""

from alembic import context

from mailer_service.mailing.table import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
