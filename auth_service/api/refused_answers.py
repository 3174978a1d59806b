"""What is answered to codes and links that were not right, whatever they were for."""

from auth_service.api.problems import Problem


def code_wrong(attempts_left: int) -> Problem:
    """Say that the code was wrong, and how many more may be tried."""
    left = f"You have {attempts_left} more {'try' if attempts_left == 1 else 'tries'}."
    last = "That was the last try: ask for a new mail."
    detail = f"This is not the code. {left if attempts_left else last}"
    return Problem("invalid_code", detail, extra={"attempts_left": attempts_left})


def challenge_closed() -> Problem:
    """Say that there is nothing to answer; why, nobody learns."""
    return Problem("challenge_closed", "This can no longer be used. Ask for a new mail.")
