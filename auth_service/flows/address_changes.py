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
from auth_service.model.users import Status, User, UserUnknown
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
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
) -> Moved | CodeWrong | ChallengeClosed:
    """Judge the code that came to the new address; the right one moves the account there.

    The address before is told of it, and every session but `current` ends: should this be a thief's doing,
    the owner learns it, and should it be the answer to a thief, the thief is out. Codes and links that went
    to the address before open nothing any more. Closed, too, is what another account asked for, or this one
    from a session that is over; and an address that somebody took meanwhile. Every outcome must commit.
    """
    judged = await judge(
        challenge_id, code, purpose="address_change", binding=binding, unit=unit, peppers=peppers
    )
    if not isinstance(judged, Proved):
        return judged
    before = await _still_there(mover, current=current, unit=unit, rules=rules)
    address = judged.challenge.new_address
    if before is None or judged.user_id != before.id or address is None:
        return await closed(challenge_id, subject=judged.user_id, unit=unit)
    after = before.moved(email=address)
    if not await unit.users.move(after):
        return await closed(challenge_id, subject=after.id, unit=unit)
    await tell(
        AddressChanged,
        about=after,
        box=AddressMove(recipients=(recipient(before),), new_address=address),
        facts=lambda sealed: AddressChangedData(locale=after.locale, sealed=sealed, user_id=after.id),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(Action.ADDRESS_CHANGED, actor=after.id, subject=after.id)
    ended = await unit.sessions.end_others(current.id, of=after.id, idle=rules.session_idle)
    if ended:
        await tell_revoked(after, ended, reason="address_changed", by=after.id, unit=unit, sealer=sealer)
    return Moved(after, ended=len(ended))


async def _still_there(mover: User, *, current: Session, unit: UnitOfWork, rules: LoginRules) -> User | None:
    """Lock whoever moves; None where they or their session are gone since they were let in to ask."""
    try:
        user = await unit.users.get_locked(mover.id)
    except UserUnknown:
        return None
    stands = await unit.sessions.stands(current.id, idle=rules.session_idle)
    return user if stands and user.status is Status.ACTIVE else None
