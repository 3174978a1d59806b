"""The servers that Porter needs, found on this machine: Postgres and Redis (or Valkey)."""
