"""Put the question: a challenge for an address, and the event that mails its code."""

import secrets
from uuid import UUID

from pydantic import SecretStr

from auth_service.model.challenges import Challenge
from auth_service.model.codes import SALT_BYTES, otp_code
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import RandomBytes, token_hash
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from auth_service.storage.users import DEFAULT_LOCALE
from contracts.events import OtpRequested, UnknownAddressChallenged
from contracts.facts import OtpRequestedData, UnknownAddressChallengedData
from contracts.identifiers import new_id
from contracts.sealing import LoginCode, Recipient, Sealer


async def start_challenge(
    email: str,
    *,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge:
    """Challenge whoever says they read the mail of `email`, in the browser that holds `binding`.

    Someone unknown gets a decoy: the same statements and writes, and an event that mails nothing, so the
    asking tells nothing about the address.
    """
    user = await unit.users.find(email)
    return await _challenge(
        email,
        user=user,
        locale=DEFAULT_LOCALE if user is None else user.locale,
        binding=binding,
        unit=unit,
        rules=rules,
        peppers=peppers,
        sealer=sealer,
        random_bytes=random_bytes,
    )


async def register(
    email: str,
    *,
    name: str,
    locale: str | None,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge:
    """Challenge a newcomer, who becomes someone only by the right code.

    Someone known simply gets a code: nothing tells that they were, and what a stranger proposes as their
    name or language is forgotten.
    """
    user = await unit.users.find_or_add(email)
    newcomer = user.status is Status.UNVERIFIED
    return await _challenge(
        email,
        user=user,
        locale=(locale or user.locale) if newcomer else user.locale,
        proposed_name=name,
        proposed_locale=locale,
        binding=binding,
        unit=unit,
        rules=rules,
        peppers=peppers,
        sealer=sealer,
        random_bytes=random_bytes,
    )


async def _challenge(
    email: str,
    *,
    user: User | None,
    locale: str,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes,
    proposed_name: str | None = None,
    proposed_locale: str | None = None,
) -> Challenge:
    challenge = await unit.challenges.add(
        new_id(),
        user_id=None if user is None else user.id,
        binding_hash=token_hash(binding),
        code_salt=random_bytes(SALT_BYTES),
        pepper_id=peppers.newest_id,
        digits=rules.code_digits,
        life=rules.code_life,
        method="otp",
        budget_hash=token_hash(email),
        budget=10,
        locale=locale,
        proposed_name=proposed_name,
        proposed_locale=proposed_locale,
    )
    code = otp_code(
        challenge.id, code_salt=challenge.code_salt, pepper=peppers.newest, digits=rules.code_digits
    )
    event_id = new_id()
    # The stored name, never the proposed one: what strangers type is not mailed to others.
    recipient = Recipient(address=email, name="" if user is None else user.name, locale=locale)
    sealed = sealer.seal(LoginCode(recipients=(recipient,), code=SecretStr(code)), event_id=event_id)
    await _append(challenge, user=user, locale=locale, sealed=sealed, event_id=event_id, unit=unit)
    return challenge


async def _append(
    challenge: Challenge, *, user: User | None, locale: str, sealed: str, event_id: UUID, unit: UnitOfWork
) -> None:
    if user is None:
        await unit.outbox.append(
            UnknownAddressChallenged,
            event_id=event_id,
            data=UnknownAddressChallengedData(locale=locale, sealed=sealed, challenge_id=challenge.id),
            subject=None,
            sequence=0,
            expires_at=challenge.expires_at,
        )
    else:
        await unit.outbox.append(
            OtpRequested,
            event_id=event_id,
            data=OtpRequestedData(locale=locale, sealed=sealed, user_id=user.id, challenge_id=challenge.id),
            subject=user.id,
            sequence=user.version,
            expires_at=challenge.expires_at,
        )
