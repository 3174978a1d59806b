"""Take an answer, a code or a link: the right one signs in, or says why not, and is spent either way."""

from uuid import UUID

from auth_service.flows.entering import NewTokens, enter
from auth_service.flows.judging import closed, judge, note_refusal
from auth_service.flows.outcomes import LinkElsewhere, Outcome, Proved
from auth_service.model.addresses import masked_address
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import token_hash
from auth_service.storage.unit import UnitOfWork
from contracts.sealing import Sealer


async def verify(
    challenge_id: UUID,
    code: str,
    *,
    binding: str,
    tokens: NewTokens,
    unit: UnitOfWork,
    rules: LoginRules,
    peppers: Peppers,
    sealer: Sealer,
) -> Outcome:
    """Judge `code`; the right one begins the session that `tokens` open.

    Of any number of right codes and links at once, one makes a session.
    """
    judged = await judge(challenge_id, code, purpose="sign_in", binding=binding, unit=unit, peppers=peppers)
    if not isinstance(judged, Proved):
        return judged
    return await enter(judged, by="otp", tokens=tokens, unit=unit, rules=rules, sealer=sealer)


async def consume(
    link_token: str,
    *,
    binding: str,
    elsewhere: bool,
    tokens: NewTokens,
    unit: UnitOfWork,
    rules: LoginRules,
    sealer: Sealer,
) -> Outcome:
    """Take a link's token as the answer to its challenge, whose code dies with it.

    Where it was not asked for, it signs in only with `elsewhere`, the word of whoever clicked it: someone who
    sends you a link of theirs would have you signed in as them.
    """
    hashed = token_hash(link_token)
    spent = await unit.links.spend(hashed, binding_hash=token_hash(binding), elsewhere=elsewhere)
    if spent is not None and spent.challenge.user_id is not None:
        proved = Proved(spent.challenge, user_id=spent.challenge.user_id, here=spent.here)
        return await enter(proved, by="magic_link", tokens=tokens, unit=unit, rules=rules, sealer=sealer)
    found = await unit.links.find_open(hashed)
    if found is None or not found.challenge.proves(found.address):
        return await closed(None, subject=None, unit=unit)
    challenge = found.challenge
    await note_refusal("link_elsewhere", challenge_id=challenge.id, subject=challenge.user_id, unit=unit)
    return LinkElsewhere(masked_address(found.address))
