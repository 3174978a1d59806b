"""Move an account to another address, whose mail its owner has shown to read."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from auth_service.flows.acting import lock_for_deed
from auth_service.flows.judging import closed, judge
from auth_service.flows.notices import recipient, tell
from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, Proved
from auth_service.flows.questions import put
from auth_service.flows.revocations import tell_revoked
from auth_service.model.audit import Action
from auth_service.model.budgets import moving_budget
from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.tokens import RandomBytes
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import AddressChanged
from contracts.facts import AddressChangedData
from contracts.sealing import AddressMove, Sealer


@dataclass(frozen=True, slots=True)
class Moved:
    """The code was right and the account has its new address; `ended` other sessions are over."""

    user: User
    ended: int


async def ask_to_move(
    user: User,
    address: str,
    *,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge:
    """Mail a code to the address that someone wants to have, which nothing but that code gives them.

    An address that an account has, be it their own, gets a decoy: who is here is for nobody to find out by
    asking. One that somebody registered with and never proved is free.
    """
    await lock_for_deed(unit=unit)
    holder = await unit.users.find(address)
    free = holder is None or holder.status is Status.UNVERIFIED
    return await put(
        address,
        user=user if free else None,
        budget=moving_budget(address, mover_id=user.id, key=peppers.budget_key),
        method="otp",  # a link may be opened by whoever it was sent on to, and would move the account then
        locale=user.locale,
        binding=binding,
        unit=unit,
        rules=rules,
        peppers=peppers,
        sealer=sealer,
        random_bytes=random_bytes,
        purpose="address_change",
        mover_id=user.id,
    )


async def move(
    challenge_id: UUID,
    code: str,
    *,
    mover: User,
    current: Session,
    binding: str,
    device: str | None,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
) -> Moved | CodeWrong | ChallengeClosed:
    """Judge the code that came to the new address; the right one moves the account there.

    The address before is told of it, and every session but `current` ends: should this be a thief's doing,
    the owner learns it, and should it be the answer to a thief, the thief is out; the account knows no device
    any more but `device`, from which this comes. Codes and links that went
    to the address before open nothing any more. Closed, too, is what another account asked for, or this one
    from a session that is over; and an address that somebody took meanwhile. Every outcome must commit.
    """
    judged = await judge(
        challenge_id,
        code,
        purpose="address_change",
        binding=binding,
        unit=unit,
        peppers=peppers,
        actor=mover.id,
    )
    if not isinstance(judged, Proved):
        return judged
    address = judged.challenge.new_address or ""
    before = await _still_there(mover, address=address, current=current, unit=unit, rules=rules)
    if before is None or judged.user_id != before.id or not address:
        return await closed(challenge_id, subject=judged.user_id, actor=mover.id, unit=unit)
    after = before.moved(email=address)
    removed = await unit.users.move(after)
    if removed is None:
        return await closed(challenge_id, subject=after.id, actor=mover.id, unit=unit)
    for squatter in removed:
        gone = {"status": Status.UNVERIFIED.value, "reason": "address_taken_over"}
        await unit.audit.append(Action.DELETED, actor=after.id, subject=squatter, details=gone)
    await tell(
        AddressChanged,
        about=after,
        box=AddressMove(recipients=(recipient(before),), new_address=address),
        facts=lambda sealed: AddressChangedData(locale=after.locale, sealed=sealed, user_id=after.id),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(Action.ADDRESS_CHANGED, actor=after.id, subject=after.id)
    await unit.devices.forget(after.id, but=device)
    ended = await unit.sessions.end_others(current.id, of=after.id, idle=rules.session_idle)
    if ended:
        await tell_revoked(after, ended, reason="address_changed", by=after.id, unit=unit, sealer=sealer)
    return Moved(after, ended=len(ended))


async def _still_there(
    mover: User, *, address: str, current: Session, unit: UnitOfWork, rules: LoginRules
) -> User | None:
    """Lock whoever moves, with whoever is in their way; None where they or their session are gone by now."""
    holder = await unit.users.find(address)
    locked = await unit.users.lock(
        {mover.id} if holder is None else {mover.id, holder.id}, with_administrators=False
    )
    user = locked.get(mover.id)
    stands = await unit.sessions.hold(current.id, idle=rules.session_idle)
    return user if stands and user is not None and user.status is Status.ACTIVE else None
