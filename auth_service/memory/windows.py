"""Sliding windows that all processes share, exact under any concurrency, by Redis's clock."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

from redis.exceptions import NoScriptError, ResponseError

from auth_service.memory.circuit import Circuit, MemoryAway
from auth_service.memory.policies import Allowed, Denied, Policy, Verdict

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
        self._script = (files(__package__) / "sliding_window.lua").read_text("utf-8")
        self._sha = hashlib.sha1(self._script.encode()).hexdigest()  # noqa: S324 - how Redis names scripts

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
        call: tuple[str | int, ...] = (len(keys), *keys, *sizes)
        reply: Any
        try:
            try:
                reply = await self._circuit.ask("EVALSHA", self._sha, *call)
            except NoScriptError:  # Redis is new, or was flushed
                reply = await self._circuit.ask("EVAL", self._script, *call)
        except ResponseError as refusal:
            raise MemoryAway from refusal
        full, number, now = map(int, reply)
        return full, number, now
