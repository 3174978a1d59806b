"""How often one may ask for mails, answer and register.

Each call asks here before its transaction begins, so a denied request writes nothing.

Strangers are counted by their network, and all of them together by the address that they ask for. A browser
or program that an account knows is counted by itself instead, so that no stranger can keep people out of
their own account by using up its limit. Whether it is known costs one look at the database, and only for
those who send a device: who sends a made-up one gains nothing by it but that look (docs/decisions/0008).

Known and unknown addresses are counted alike. Subjects name hashes, which memory/windows.py keeps under a
secret of ours.
"""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from auth_service.api.door import Door
from auth_service.api.problems import Problem
from auth_service.api.visitors import Visitor
from auth_service.memory.policies import Claim, Denied, origin
from auth_service.model.callers import Caller
from auth_service.model.challenges import address_hash
from auth_service.model.tokens import token_hash

log = structlog.get_logger()

TOO_MUCH: Final = {
    "codes_per_ip": "Too many mails were asked for from where you are.",
    "codes_per_address": "Too many mails were asked for at this address.",
    "verify_per_ip": "Too many codes or links were tried from where you are.",
    "register_per_ip": "Too many registrations came from where you are.",
}


async def admit_asking(email: str, *, visitor: Visitor, door: Door, caller: Caller) -> None:
    """Count someone who asks for a mail to `email`. Raises `Problem` rate_limited, or `PostgresAway`."""
    known = await _knows(email, visitor=visitor, door=door)
    await _admit(_asking(address_hash(email), known=known, visitor=visitor, door=door, caller=caller), door)


async def admit_asking_again(challenge_id: UUID, *, visitor: Visitor, door: Door, caller: Caller) -> None:
    """Count someone who asks for a challenge's mail once more, like one who asks for a first mail.

    Where it is too soon, nothing is counted, for nothing will be mailed. Raises as `admit_asking` does.
    """
    if not door.policies.limit_asking:
        return
    async with door.database.unit() as unit:
        found = await unit.acquaintances.asking_again(
            challenge_id,
            binding_hash=token_hash(visitor.binding or ""),
            device_hash=_device_hash(visitor),
            cooldown=door.rules.resend_cooldown,
        )
    if found is None:
        await _admit([Claim(door.policies.codes_per_ip, _network(caller))], door)
    elif not found.too_soon and found.mover_id is not None:
        await _admit(_moving(found.mover_id, door=door, caller=caller), door)
    elif not found.too_soon:
        claims = _asking(found.address_hash, known=found.known, visitor=visitor, door=door, caller=caller)
        await _admit(claims, door)


async def admit_moving(mover_id: UUID, *, door: Door, caller: Caller) -> None:
    """Count an account that asks for a mail to an address that it would have. Raises as `admit_asking` does.

    It is counted at the account: strangers who ask for the same address keep nobody from moving there.
    """
    await _admit(_moving(mover_id, door=door, caller=caller), door)


async def admit_registering(email: str, *, visitor: Visitor, door: Door, caller: Caller) -> None:
    """Count someone who registers, which mails a code like any other. Raises as `admit_asking` does."""
    known = await _knows(email, visitor=visitor, door=door)
    _, by_address = _asking(address_hash(email), known=known, visitor=visitor, door=door, caller=caller)
    await _admit([Claim(door.policies.register_per_ip, _network(caller)), by_address], door)


async def admit_answering(*, door: Door, caller: Caller) -> None:
    """Count someone who tries a code or link. Raises `Problem` rate_limited."""
    await _admit([Claim(door.policies.verify_per_ip, _network(caller))], door)


def _asking(
    hashed: bytes, *, known: bool, visitor: Visitor, door: Door, caller: Caller
) -> tuple[Claim, Claim]:
    """Say what a mail to this address counts against: whence it is asked for, and the address."""
    address = f"address {hashed.hex()}"
    device = f"device {_device_hash(visitor).hex()}"
    return (
        Claim(door.policies.codes_per_ip, device if known else _network(caller)),
        Claim(door.policies.codes_per_address, f"{device} {address}" if known else address),
    )


def _moving(mover_id: UUID, *, door: Door, caller: Caller) -> tuple[Claim, Claim]:
    return (
        Claim(door.policies.codes_per_ip, _network(caller)),
        Claim(door.policies.codes_per_address, f"account {mover_id}"),
    )


async def _admit(claims: Sequence[Claim], door: Door) -> None:
    verdict = await door.limits.admit(claims)
    if not isinstance(verdict, Denied):
        return
    seconds = math.ceil(verdict.retry_after / timedelta(seconds=1))
    log.info("rate_limited", limit=verdict.policy, retry_after_seconds=seconds)
    raise Problem(
        "rate_limited",
        f"{TOO_MUCH[verdict.policy]} Try again in {in_words(seconds)}.",
        extra={"limit": verdict.policy},
        headers={"Retry-After": str(seconds)},
    )


def in_words(seconds: int) -> str:
    """Tell a wait to people, never shorter than it is."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds > size:
            return f"{math.ceil(seconds / size)} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


async def _knows(email: str, *, visitor: Visitor, door: Door) -> bool:
    if visitor.device is None or not door.policies.limit_asking:
        return False
    async with door.database.unit() as unit:
        return await unit.acquaintances.knows(_device_hash(visitor), email=email)


def _device_hash(visitor: Visitor) -> bytes:
    return b"" if visitor.device is None else token_hash(visitor.device)


def _network(caller: Caller) -> str:
    return f"network {origin(caller.client_address)}"
