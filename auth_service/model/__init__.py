"""Values and their rules: no clock, no network, no database."""
