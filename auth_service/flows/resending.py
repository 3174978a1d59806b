"""Send a challenge's mail again, should the first one be late or lost."""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth_service.flows.judging import closed
from auth_service.flows.mailing import mail
from auth_service.flows.outcomes import ChallengeClosed, TooSoon
from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules, Method
from auth_service.model.tokens import RandomBytes, new_token, token_hash
from auth_service.model.users import Status, User
from auth_service.storage.challenges import Waiting
from auth_service.storage.unit import UnitOfWork
from contracts.sealing import Sealer

PLACEHOLDER: Final = "somebody.unknown@porter.invalid"
"""Stands for the address of a decoy, of which only a hash is kept; nobody is mailed (RFC 2606, section 2)."""


async def resend(
    challenge_id: UUID,
    *,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge | TooSoon | ChallengeClosed:
    """Mail the same code once more, with the same attempts and the same end; a link is minted anew.

    Where too much was guessed meanwhile, the mail holds a link alone. Decoys cost the same.
    """
    waiting = await unit.challenges.wait_for_mail(
        challenge_id, binding_hash=token_hash(binding), cooldown=rules.resend_cooldown
    )
    code = None if waiting is None else waiting.challenge.code(peppers)
    if waiting is None or code is None:
        return await closed(challenge_id, subject=None, unit=unit)
    if waiting.wait > timedelta(0):
        return TooSoon(waiting.wait)
    method = _method(waiting)
    link_token = None if method == "otp" else new_token(random_bytes)
    challenge = await unit.challenges.mail_again(
        challenge_id,
        method=method,
        link_hash=None if link_token is None else token_hash(link_token),
    )
    user = _owner(waiting)
    address = PLACEHOLDER if user is None else challenge.new_address or user.email
    await mail(
        challenge,
        address=address,
        code=code,
        link_token=link_token,
        user=user,
        unit=unit,
        rules=rules,
        sealer=sealer,
    )
    return challenge


def _method(waiting: Waiting) -> Method:
    """Choose what to mail now; no link ever changes an address."""
    challenge = waiting.challenge
    guessed_out = waiting.spent or not challenge.attempts_left
    return "magic_link" if guessed_out and challenge.purpose == "sign_in" else challenge.method


def _owner(waiting: Waiting) -> User | None:
    """Tell who is to be mailed: nobody whose account has another address by now, or may move no more."""
    user, challenge = waiting.user, waiting.challenge
    if user is None or challenge.is_decoy:
        return None
    if challenge.purpose == "address_change":
        return user if user.status is Status.ACTIVE else None
    return user if challenge.proves(user.email) else None
