"""Alembic's environment: runs migrations on the connection that `migrate.upgrade` hands over."""

from alembic import context

from auth_service.storage.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
