"""Judge a code: count it first, against its challenge and against its address, and only then compare it."""

from uuid import UUID

from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, Proved
from auth_service.model.audit import Action
from auth_service.model.challenges import Purpose
from auth_service.model.peppers import Peppers
from auth_service.model.tokens import token_hash
from auth_service.storage.unit import UnitOfWork


async def judge(
    challenge_id: UUID,
    code: str,
    *,
    purpose: Purpose,
    binding: str,
    unit: UnitOfWork,
    peppers: Peppers,
    actor: UUID | None = None,
) -> Proved | CodeWrong | ChallengeClosed:
    """Judge `code`; the right one spends the challenge, and costs its address nothing.

    Both counts lock their row until this transaction ends, so that no number of guesses at once gets past
    them. Every outcome must commit: a wrong code stays counted, and a refusal stays in the audit trail.
    `actor` is who answers, if they are signed in.
    """
    challenge = await unit.challenges.count_attempt(
        challenge_id, binding_hash=token_hash(binding), purpose=purpose
    )
    if challenge is None:
        return await closed(challenge_id, subject=None, actor=actor, unit=unit)
    budget = challenge.budget_of_failures
    left = await unit.budgets.take(budget)
    if left is None:
        return await closed(challenge_id, subject=challenge.user_id, actor=actor, unit=unit)
    if not challenge.is_answered_by(code, peppers=peppers) or challenge.user_id is None:
        await note_refusal(
            "invalid_code", challenge_id=challenge_id, subject=challenge.user_id, actor=actor, unit=unit
        )
        return CodeWrong(attempts_left=min(left, challenge.attempts_left))
    await unit.challenges.close(challenge.id)
    await unit.budgets.give_back(budget)
    return Proved(challenge, user_id=challenge.user_id, here=True)


async def closed(
    challenge_id: UUID | None, *, subject: UUID | None, actor: UUID | None = None, unit: UnitOfWork
) -> ChallengeClosed:
    """Refuse an answer that nothing waits for: it looks alike outside, and is noted."""
    await note_refusal("challenge_closed", challenge_id=challenge_id, subject=subject, actor=actor, unit=unit)
    return ChallengeClosed()


async def note_refusal(
    reason: str,
    *,
    challenge_id: UUID | None,
    subject: UUID | None,
    actor: UUID | None = None,
    unit: UnitOfWork,
) -> None:
    """Note that an answer was refused, and why. `subject` is whom it would have signed in, or moved.

    Nobody knows who a stranger is; whoever is signed in is named, and without a subject meant themselves.
    """
    about = {} if challenge_id is None else {"challenge_id": str(challenge_id)}
    await unit.audit.append(
        Action.SIGN_IN_REFUSED, actor=actor, subject=subject or actor, details={"reason": reason, **about}
    )
