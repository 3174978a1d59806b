"""Sliding windows that all processes share, exact under any concurrency, by Redis's clock."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from redis.exceptions import ResponseError

from auth_service.memory.circuit import Circuit, MemoryAway
from auth_service.memory.policies import Allowed, Denied, Policy, Verdict
from auth_service.memory.script import Script

SUBJECT_BYTES: Final = 16
"""128 bits: enough that no two subjects share a window."""


def window_key(policy: str, subject: str, *, secret: bytes) -> str:
    """Name the key of one subject's window, by a keyed hash (BLAKE2b, RFC 7693) in which nobody reads it.

    All are in one hash slot, so that one script reaches several.
    """
    mac = hashlib.blake2b(f"{policy}\0{subject}".encode(), key=secret, digest_size=SUBJECT_BYTES).digest()
    return f"{{auth.limits}}:{policy}:{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class SharedWindows:
    """The windows in Redis, whose keys are named under `secret`."""

    def __init__(self, *, circuit: Circuit, secret: bytes) -> None:
        self._circuit = circuit
        self._secret = secret
        self._script = Script("sliding_window.lua")

    async def hit(self, claims: Sequence[tuple[Policy, str]]) -> Verdict:
        """Count a hit of each subject in its window, or none where any is full: the first one denies.

        One round trip. Raises `MemoryAway`; then the hit may be counted.
        """
        full, number, _ = await self._run(claims)
        if full:
            policy, _ = claims[full - 1]
            return Denied(policy.name, retry_after=timedelta(milliseconds=max(1, number)))
        return Allowed(remaining=number)

    async def _run(self, claims: Sequence[tuple[Policy, str]]) -> tuple[int, int, int]:
        """Give what the script gives: the full window's number or 0, milliseconds or hits left, now in ms."""
        keys = [window_key(policy.name, subject, secret=self._secret) for policy, subject in claims]
        sizes = [size for policy, _ in claims for size in (policy.count, policy.per_ms)]
        try:
            reply = await self._script.run(self._circuit.ask, keys=keys, arguments=sizes)
        except ResponseError as refusal:
            raise MemoryAway from refusal
        full, number, now = map(int, reply.split())
        return full, number, now
