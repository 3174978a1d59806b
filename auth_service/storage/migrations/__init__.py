"""Alembic scripts of the schema `auth`."""
