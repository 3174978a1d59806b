"""Alembic's tree for the schema `mailer`; its version table lives in that schema too."""
