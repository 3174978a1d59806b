"""How many wrong codes an address may be asked in a day, over all its challenges.

Strangers share one budget, so that nobody can be guessed at by asking anew; whoever has signed in there
before has their own, so that no stranger can use it up. An address that nobody has is counted like any other.
Whoever moves to an address counts for themselves: no stranger's guesses keep them from it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

STRANGERS_FAILURES: Final = 10
DEVICE_FAILURES: Final = 30
WINDOW: Final = timedelta(hours=24)
"""From the first failure; the first one after it begins another."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Where failures are counted, and how many there may be within the window."""

    key_hash: bytes
    limit: int


def strangers_budget(address: str) -> Budget:
    """Give the budget that all share who never signed in at this address."""
    return Budget(hashlib.sha256(b"stranger:" + address.encode()).digest(), STRANGERS_FAILURES)


def device_budget(address: str, *, device_hash: bytes) -> Budget:
    """Give the budget that a device has for itself where the account of this address knows it."""
    return Budget(hashlib.sha256(b"device:" + device_hash + address.encode()).digest(), DEVICE_FAILURES)


def moving_budget(address: str, *, mover_id: UUID) -> Budget:
    """Give the budget that one account has for the codes by which it would move to this address."""
    return Budget(hashlib.sha256(b"move:" + mover_id.bytes + address.encode()).digest(), STRANGERS_FAILURES)
