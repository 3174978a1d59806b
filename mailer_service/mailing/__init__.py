"""Mails: what is written, to whom, by which SMTP server, and the ledger that remembers. Knows no Redis."""
