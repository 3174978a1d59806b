"""What administrators change about someone: name, role and language."""

from uuid import UUID

from auth_service.flows.acting import lock_subject
from auth_service.flows.administrators import lock_dispensable
from auth_service.model.audit import Action
from auth_service.model.users import Role, User
from auth_service.storage.unit import UnitOfWork


async def change(
    user_id: UUID,
    *,
    name: str | None,
    role: Role | None,
    locale: str | None,
    by: UUID,
    unit: UnitOfWork,
) -> User:
    """Change what is given; a role counts from the next request on. Nothing new is no change.

    Raises `UserUnknown`, or `LastAdministrator` for the demotion of the last one.
    """
    if role is Role.MEMBER:
        before = await lock_dispensable(user_id, unit=unit)
    else:
        before = await lock_subject(user_id, unit=unit)
    after = before.changed(name=name, role=role, locale=locale)
    if after == before:
        return before
    await unit.users.save(after)
    await unit.audit.append(Action.CHANGED, actor=by, subject=after.id, details=_difference(before, after))
    return after


def _difference(before: User, after: User) -> dict[str, object]:
    """Tell which fields differ, and of roles how: names are nobody's business but the row's."""
    fields = [
        field
        for field, same in (
            ("name", before.name == after.name),
            ("role", before.role is after.role),
            ("locale", before.locale == after.locale),
        )
        if not same
    ]
    roles = {"role_before": before.role.value, "role": after.role.value} if "role" in fields else {}
    return {"fields": fields, **roles}
