"""What Postgres remembers for the auth service, all of it in the schema `auth`."""
