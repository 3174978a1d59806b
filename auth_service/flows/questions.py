"""Put the question: a challenge for an address, and the event that mails its answer."""

import secrets
from uuid import UUID

from auth_service.flows.mailing import mail
from auth_service.model.budgets import Budget
from auth_service.model.challenges import Challenge, Purpose, address_hash
from auth_service.model.codes import SALT_BYTES, otp_code
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules, Method
from auth_service.model.tokens import RandomBytes, new_token, token_hash
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from auth_service.storage.users import DEFAULT_LOCALE
from contracts.identifiers import new_id
from contracts.sealing import Sealer


async def start_challenge(
    email: str,
    *,
    binding: str,
    device: str | None,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge:
    """Challenge whoever says they read the mail of `email`, in the browser that holds `binding`.

    Someone unknown gets a decoy: the same statements and writes, and an event that mails nothing, so the
    asking tells nothing about the address. A `device` that has signed in there before guesses on its own
    account; where too much was guessed, the answer is a link.
    """
    standing = await unit.standings.find(email, device_hash=_hash(device), key=peppers.budget_key)
    return await put(
        email,
        user=standing.user,
        budget=standing.budget,
        method=standing.method(rules.method),
        locale=DEFAULT_LOCALE if standing.user is None else standing.user.locale,
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
    device: str | None,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Challenge:
    """Challenge a newcomer, who becomes someone only by the right answer.

    Someone known simply gets a mail: nothing tells that they were, and what a stranger proposes as their
    name or language is forgotten.
    """
    standing = await unit.standings.find_or_add(email, device_hash=_hash(device), key=peppers.budget_key)
    newcomer = standing.user is None or standing.user.status is Status.UNVERIFIED
    known = DEFAULT_LOCALE if standing.user is None else standing.user.locale
    return await put(
        email,
        user=standing.user,
        budget=standing.budget,
        method=standing.method(rules.method),
        locale=(locale or known) if newcomer else known,
        proposed_name=name,
        proposed_locale=locale,
        binding=binding,
        unit=unit,
        rules=rules,
        peppers=peppers,
        sealer=sealer,
        random_bytes=random_bytes,
    )


async def put(
    address: str,
    *,
    user: User | None,
    budget: Budget,
    method: Method,
    locale: str,
    binding: str,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
    random_bytes: RandomBytes = secrets.token_bytes,
    purpose: Purpose = "sign_in",
    proposed_name: str | None = None,
    proposed_locale: str | None = None,
    mover_id: UUID | None = None,
) -> Challenge:
    """Open a challenge for `user` and mail it to `address`; for nobody it is a decoy, at the same cost.

    `mover_id` is who asks for a change of address, whether or not they are mailed.
    """
    link_token = None if method == "otp" else new_token(random_bytes)
    challenge = await unit.challenges.add(
        new_id(),
        user_id=mover_id or (None if user is None else user.id),
        binding_hash=token_hash(binding),
        code_salt=random_bytes(SALT_BYTES),
        pepper_id=peppers.newest_id,
        digits=rules.code_digits,
        life=rules.code_life,
        method=method,
        address_hash=address_hash(address),
        budget=budget,
        locale=locale,
        purpose=purpose,
        proposed_name=proposed_name,
        proposed_locale=proposed_locale,
        new_address=address if purpose == "address_change" and user is not None else None,
        link_hash=None if link_token is None else token_hash(link_token),
    )
    code = otp_code(
        challenge.id, code_salt=challenge.code_salt, pepper=peppers.newest, digits=challenge.digits
    )
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


async def is_open(challenge_id: UUID, *, binding: str, unit: UnitOfWork, peppers: Peppers) -> bool:
    """Tell whether an answer to a challenge could still be right; nowhere but where it was asked for."""
    return await unit.challenges.is_open(
        challenge_id, binding_hash=token_hash(binding), pepper_ids=peppers.ids
    )


def _hash(device: str | None) -> bytes:
    return b"" if device is None else token_hash(device)
