"""Keeps the house in order: removes what has served its time."""
