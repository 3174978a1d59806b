"""Let someone in who has proved that they read the mail of their address, or tell where they stand."""

from dataclasses import dataclass
from typing import Final, Literal

from auth_service.flows.departures import sign_out
from auth_service.flows.judging import closed, note_refusal
from auth_service.flows.notices import recipient, tell
from auth_service.flows.outcomes import ChallengeClosed, NotLetIn, Proved, SignedIn
from auth_service.flows.revocations import tell_revoked
from auth_service.model.approval import needs_approval
from auth_service.model.audit import Action
from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.tokens import token_hash
from auth_service.model.users import Status, User, UserUnknown
from auth_service.storage.unit import UnitOfWork
from contracts.events import UserRegistered, UserSignedIn
from contracts.facts import UserRegisteredData, UserSignedInData
from contracts.sealing import Newcomer, NewSignIn, Sealer

SESSIONS_MAX: Final = 100
"""So many an account has at once."""

Proof = Literal["otp", "magic_link"]
"""By what someone proved themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTokens:
    """What a sign-in hands out: the session's token, the device's, and one for other applications, if any.

    `replaced` is the session's token that the browser had before, if any, which is of no use any more.
    """

    session: str
    device: str
    access: str | None = None
    replaced: str | None = None


async def enter(
    proved: Proved, *, by: Proof, tokens: NewTokens, unit: UnitOfWork, rules: LoginRules, sealer: Sealer
) -> SignedIn | NotLetIn | ChallengeClosed:
    """Begin a session for whoever may have one; a newcomer becomes someone first.

    The one that the browser was in before ends, whoever's it was, and so do an account's oldest beyond 100.
    """
    challenge = proved.challenge
    try:
        user = await unit.users.get_locked(proved.user_id)
    except UserUnknown:  # deleted meanwhile
        return await closed(challenge.id, subject=proved.user_id, unit=unit)
    if not challenge.proves(user.email):  # another address meanwhile: this one is theirs no more
        return await closed(challenge.id, subject=user.id, unit=unit)
    if user.status in {Status.UNVERIFIED, Status.INVITED}:
        user = await _welcome(user, proved=proved, unit=unit, rules=rules, sealer=sealer)
    elif user.status is not Status.ACTIVE:
        reason = f"account_{user.status.value}"
        await note_refusal(reason, challenge_id=challenge.id, subject=user.id, unit=unit)
    if user.status is not Status.ACTIVE:
        return NotLetIn(user)
    session = await unit.sessions.add(
        user_id=user.id,
        token_hash=token_hash(tokens.session),
        access_hash=None if tokens.access is None else token_hash(tokens.access),
        method=by,
        caller=unit.caller,
        life=rules.session_life,
    )
    await _tell_signed_in(user, session, by=by, device=tokens.device, unit=unit, sealer=sealer)
    await sign_out(tokens.replaced, unit=unit, rules=rules, sealer=sealer)
    ended = await unit.sessions.end_oldest(of=user.id, keeping=SESSIONS_MAX, idle=rules.session_idle)
    if ended:
        await tell_revoked(user, ended, reason="revoked", by=user.id, unit=unit, sealer=sealer)
    return SignedIn(user=user, session=session)


async def _tell_signed_in(
    user: User, session: Session, *, by: Proof, device: str, unit: UnitOfWork, sealer: Sealer
) -> None:
    """Publish the sign-in; its owner gets a mail when the account knew other devices, and not this one."""
    seen = await unit.devices.see(token_hash(device), user_id=user.id)
    told = (recipient(user),) if seen.new and seen.others else ()
    await tell(
        UserSignedIn,
        about=user,
        box=NewSignIn(recipients=told, device=session.device, client_address=session.client_address or ""),
        facts=lambda sealed: UserSignedInData(
            locale=user.locale,
            recipients=len(told),
            sealed=sealed,
            user_id=user.id,
            session_id=session.id,
            method=by,
            new_device=seen.new,
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(
        Action.SIGNED_IN,
        actor=user.id,
        subject=user.id,
        details={"method": by, "session_id": str(session.id), "new_device": seen.new},
    )


async def _welcome(
    user: User, *, proved: Proved, unit: UnitOfWork, rules: LoginRules, sealer: Sealer
) -> User:
    """Make someone of a newcomer whose address is proved.

    What was proposed at the asking counts only from whoever asked: it may have been a stranger, and the owner
    of the address opened their link elsewhere. Who was invited is called what the invitation says. The fact
    is published in any case; administrators get a notice only of someone whom they are to let in.
    """
    own_words = proved.here and user.status is Status.UNVERIFIED
    user = user.verified(
        name=proved.challenge.proposed_name if own_words else None,
        locale=proved.challenge.proposed_locale if own_words else None,
        approval_required=needs_approval(user, rules=rules),
    )
    await unit.users.save(user)
    deciding = await unit.users.administrators() if user.status is Status.PENDING else ()
    told = tuple(map(recipient, deciding))
    await tell(
        UserRegistered,
        about=user,
        box=Newcomer(recipients=told, address=user.email, name=user.name),
        facts=lambda sealed: UserRegisteredData(
            locale=user.locale, recipients=len(told), sealed=sealed, user_id=user.id
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(
        Action.REGISTERED, actor=user.id, subject=user.id, details={"status": user.status.value}
    )
    return user
