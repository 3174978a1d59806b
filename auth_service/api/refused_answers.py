"""What is answered to codes and links that were not right, whatever they were for."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from auth_service.api.problems import Problem
from auth_service.model.users import Status

_NOT_LET_IN: Final[Mapping[Status, tuple[str, str]]] = {
    Status.PENDING: (
        "account_pending",
        "Your address is confirmed. You get a mail as soon as an administrator has let you in.",
    ),
    Status.REJECTED: ("account_rejected", "An administrator did not approve your registration."),
    Status.SUSPENDED: (
        "account_suspended",
        "An administrator has suspended your account. Ask them about it.",
    ),
}


def code_wrong(attempts_left: int) -> Problem:
    """Say that the code was wrong, and how many more may be tried."""
    left = f"You have {attempts_left} more {'try' if attempts_left == 1 else 'tries'}."
    last = "That was the last try: ask for a new mail."
    detail = f"This is not the code. {left if attempts_left else last}"
    return Problem("invalid_code", detail, extra={"attempts_left": attempts_left})


def challenge_closed() -> Problem:
    """Say that there is nothing to answer; why, nobody learns."""
    return Problem("challenge_closed", "This can no longer be used. Ask for a new mail.")


def not_let_in(status: Status) -> Problem:
    """Say why somebody who proved their address is not let in."""
    return Problem(*_NOT_LET_IN[status])


def link_elsewhere(masked_address: str) -> Problem:
    """Say that a link was asked for elsewhere, and whose it is, as far as may be shown."""
    detail = f"This link was asked for elsewhere. Confirm that you want to sign in here as {masked_address}."
    return Problem("link_elsewhere", detail, extra={"masked_address": masked_address})


def resend_too_soon(wait: timedelta) -> Problem:
    """Say when another mail may be asked for."""
    seconds = max(1, math.ceil(wait.total_seconds()))
    detail = f"A mail is on its way already. Ask for another in {seconds} s, should it not arrive."
    return Problem("resend_too_soon", detail, headers={"Retry-After": str(seconds)})
