"""What a challenge mails: a code, a link or both, as an event in the outbox."""

from pydantic import SecretStr

from auth_service.model.challenges import Challenge
from auth_service.model.links import sign_in_link
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import RandomBytes, new_token, token_hash
from auth_service.model.users import User
from auth_service.storage.unit import UnitOfWork
from contracts.events import MagicLinkRequested, OtpRequested, UnknownAddressChallenged
from contracts.facts import MagicLinkRequestedData, OtpRequestedData, UnknownAddressChallengedData
from contracts.identifiers import new_id
from contracts.sealing import LoginCode, LoginLink, Recipient, Sealer


class PepperRetired(LookupError):
    """The challenge's code cannot be told any more."""


async def mail(
    challenge: Challenge,
    *,
    address: str,
    user: User | None,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes,
) -> None:
    """Mail a challenge's answer to `address`, or nothing where `user` is nobody: the same writes either way.

    Each mail has a link of its own, and the code is the same in all of them. Raises `PepperRetired`.
    """
    code = challenge.code(peppers)
    if code is None:
        raise PepperRetired
    link = None
    if challenge.mails_link:
        token = new_token(random_bytes)
        await unit.links.add(token_hash(token), challenge_id=challenge.id)
        link = sign_in_link(token, page=rules.link_page)
    # The stored name, never the proposed one: what strangers type is not mailed to others.
    recipient = Recipient(address=address, name="" if user is None else user.name, locale=challenge.locale)
    if user is None:
        await _tell_nobody(challenge, recipient, code=code, link=link, unit=unit, sealer=sealer)
    elif link is None:
        await _tell_code(challenge, recipient, user=user, code=code, unit=unit, sealer=sealer)
    else:
        beside = code if challenge.mails_code else None
        await _tell_link(challenge, recipient, user=user, link=link, code=beside, unit=unit, sealer=sealer)


async def _tell_code(
    challenge: Challenge, recipient: Recipient, *, user: User, code: str, unit: UnitOfWork, sealer: Sealer
) -> None:
    event_id = new_id()
    box = LoginCode(recipients=(recipient,), code=SecretStr(code))
    data = OtpRequestedData(
        locale=challenge.locale,
        sealed=sealer.seal(box, event_id=event_id),
        user_id=user.id,
        challenge_id=challenge.id,
        purpose=challenge.purpose,
    )
    await unit.outbox.append(
        OtpRequested,
        event_id=event_id,
        data=data,
        subject=user.id,
        sequence=user.version,
        expires_at=challenge.expires_at,
    )


async def _tell_link(
    challenge: Challenge,
    recipient: Recipient,
    *,
    user: User,
    link: str,
    code: str | None,
    unit: UnitOfWork,
    sealer: Sealer,
) -> None:
    event_id = new_id()
    box = LoginLink(
        recipients=(recipient,), link=SecretStr(link), code=None if code is None else SecretStr(code)
    )
    data = MagicLinkRequestedData(
        locale=challenge.locale,
        sealed=sealer.seal(box, event_id=event_id),
        user_id=user.id,
        challenge_id=challenge.id,
    )
    await unit.outbox.append(
        MagicLinkRequested,
        event_id=event_id,
        data=data,
        subject=user.id,
        sequence=user.version,
        expires_at=challenge.expires_at,
    )


async def _tell_nobody(
    challenge: Challenge,
    recipient: Recipient,
    *,
    code: str,
    link: str | None,
    unit: UnitOfWork,
    sealer: Sealer,
) -> None:
    event_id = new_id()
    box = LoginCode(
        recipients=(recipient,), code=SecretStr(code), link=None if link is None else SecretStr(link)
    )
    data = UnknownAddressChallengedData(
        locale=challenge.locale, sealed=sealer.seal(box, event_id=event_id), challenge_id=challenge.id
    )
    await unit.outbox.append(
        UnknownAddressChallenged,
        event_id=event_id,
        data=data,
        subject=None,
        sequence=0,
        expires_at=challenge.expires_at,
    )
