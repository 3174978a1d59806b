"""Judge the answer: the right code signs in, or says why not, and spends the challenge either way."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.tokens import token_hash
from auth_service.model.users import Status, User, UserUnknown
from auth_service.storage.unit import UnitOfWork
from contracts.events import UserRegistered
from contracts.facts import UserRegisteredData
from contracts.identifiers import new_id
from contracts.sealing import Newcomer, Recipient, Sealer


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The code was right and they are in."""

    user: User
    session: Session


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """The code was wrong; the attempt is counted."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class ChallengeClosed:
    """There is nothing to answer: unknown, another browser's, expired, spent or out of attempts."""


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """The code was right, and their account stands elsewhere than `active`."""

    user: User


Outcome = SignedIn | CodeWrong | ChallengeClosed | NotLetIn


async def verify(
    challenge_id: UUID,
    code: str,
    *,
    binding: str,
    session_token: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
) -> Outcome:
    """Judge `code`; the right one begins the session that `session_token` opens.

    The attempt is counted first, in a statement that locks the challenge: of any number of right codes at
    once, one makes a session. Every outcome commits: a wrong code must stay counted.
    """
    challenge = await unit.challenges.count_attempt(challenge_id, binding_hash=token_hash(binding))
    if challenge is None:
        return ChallengeClosed()
    if not challenge.is_answered_by(code, peppers=peppers) or challenge.user_id is None:
        return CodeWrong(attempts_left=challenge.attempts_left)
    await unit.challenges.close(challenge.id)
    try:
        user = await unit.users.get_locked(challenge.user_id)
    except UserUnknown:  # deleted meanwhile
        return ChallengeClosed()
    if user.status is Status.UNVERIFIED:
        user = await _welcome(user, challenge=challenge, unit=unit, rules=rules, sealer=sealer)
    if user.status is not Status.ACTIVE:
        return NotLetIn(user)
    session = await unit.sessions.add(
        user_id=user.id,
        token_hash=token_hash(session_token),
        access_hash=None,
        method="otp",
        caller=unit.caller,
        life=rules.session_life,
    )
    return SignedIn(user=user, session=session)


async def _welcome(
    user: User, *, challenge: Challenge, unit: UnitOfWork, rules: LoginRules, sealer: Sealer
) -> User:
    """Make someone of a newcomer whose address is proved.

    The fact is published in any case; administrators get a notice only of someone whom they are to let in.
    """
    user = user.verified(
        name=challenge.proposed_name,
        locale=challenge.proposed_locale,
        approval_required=rules.approval_required,
    )
    await unit.users.save(user)
    deciding = await unit.users.administrators() if user.status is Status.PENDING else ()
    recipients = tuple(Recipient(address=each.email, name=each.name, locale=each.locale) for each in deciding)
    event_id = new_id()
    box = Newcomer(recipients=recipients, address=user.email, name=user.name)
    await unit.outbox.append(
        UserRegistered,
        event_id=event_id,
        data=UserRegisteredData(
            locale=user.locale,
            recipients=len(recipients),
            sealed=sealer.seal(box, event_id=event_id),
            user_id=user.id,
        ),
        subject=user.id,
        sequence=user.version,
    )
    return user
