"""Who is let in without anyone deciding it."""

from auth_service.model.rules import LoginRules
from auth_service.model.users import Status, User


def needs_approval(user: User, *, rules: LoginRules) -> bool:
    """Tell whether a newcomer whose address is proved waits for an administrator.

    Not those who were invited, nor those at a domain that the operator lets in, nor anyone where approval is
    off altogether.
    """
    invited = user.status is Status.INVITED
    domain = user.email.rpartition("@")[2]
    return rules.approval_required and not invited and domain not in rules.approved_domains
