"""Carries committed events from the outbox to their streams. Knows neither HTTP nor who asked."""
