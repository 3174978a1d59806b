"""How many wrong codes an address may be asked in a day, over all its challenges.

Strangers share one budget, so that nobody can be guessed at by asking anew; whoever has signed in there
before has their own, so that no stranger can use it up. An address that nobody has is counted like any other.
Whoever moves to an address counts for themselves: no stranger's guesses keep them from it.

Where it is counted is named by an HMAC under a key of ours, so that rows tell nobody which addresses were
tried. The key goes with the newest pepper: a rotation begins all windows anew.
"""

import hmac
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


def strangers_budget(address: str, *, key: bytes) -> Budget:
    """Give the budget that all share who never signed in at this address."""
    return Budget(_named(b"stranger:" + address.encode(), key=key), STRANGERS_FAILURES)


def device_budget(address: str, *, device_hash: bytes, key: bytes) -> Budget:
    """Give the budget that a device has for itself where the account of this address knows it."""
    return Budget(_named(b"device:" + device_hash + address.encode(), key=key), DEVICE_FAILURES)


def moving_budget(address: str, *, mover_id: UUID, key: bytes) -> Budget:
    """Give the budget that one account has for the codes by which it would move to this address."""
    return Budget(_named(b"move:" + mover_id.bytes + address.encode(), key=key), STRANGERS_FAILURES)


def _named(what: bytes, *, key: bytes) -> bytes:
    return hmac.digest(key, what, "sha256")
