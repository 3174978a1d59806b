"""Keeps the door: who may come in, how they prove it, and the events that tell it."""
