"""Carries the letters: consumes events from Redis Streams and sends the mail by SMTP."""
