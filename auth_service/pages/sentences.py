"""What the pages say of the API's problems: a sentence for each code, to be translated.

A code that is not here is told in the words that the API's answer has for it.
"""

from collections.abc import Mapping
from typing import Final

from babel.support import NullTranslations

from auth_service.api.problems import Problem
from auth_service.pages.catalogues import marked

PROBLEMS: Final[Mapping[str, str]] = {
    "unreachable": marked("The server cannot be reached. Try again in a moment."),
    "unavailable": marked("The service cannot reach its database. Try again in a moment."),
    "internal_error": marked("This is our fault. Try again in a moment."),
    "unauthenticated": marked("You are not signed in any more. Sign in again."),
    "forbidden": marked("Only administrators may do this."),
    "origin_refused": marked("This did not come from our own page. Load the page again and try once more."),
    "account_pending": marked(
        "Your address is confirmed. You get a mail as soon as an administrator has let you in."
    ),
    "account_rejected": marked("An administrator did not approve your registration."),
    "account_suspended": marked("An administrator has suspended your account. Ask them about it."),
    "user_not_found": marked("This person is not here any more. Load the page again."),
    "session_not_found": marked("This sign-in has ended already."),
    "transition_not_allowed": marked(
        "The account is in a state that does not allow this. Load the page again to see how it stands."
    ),
    "last_administrator": marked(
        "Make someone else an administrator first: without any, nobody could let people in."
    ),
    "challenge_closed": marked("This can no longer be used. Ask for a new mail."),
    "resend_too_soon": marked("A mail is on its way already. Wait a moment before you ask for another."),
    "rate_limited": marked("That was too often. Wait a while and try again."),
}

FIELDS: Final[Mapping[str, str]] = {
    "email": marked("This is not a mail address such as ada@example.org."),
    "name": marked("Write a name of 1 to 100 characters on one line."),
    "code": marked("Type the digits of the code from the mail."),
    "reason": marked("Write a reason of at most 500 characters."),
}
"""What a field needs, by its name in the API."""


def sentence_of(problem: Problem, *, translations: NullTranslations) -> str:
    """Tell a problem in someone's language."""
    wrong = problem.extra.get("errors") or ()
    field = wrong[0]["field"] if problem.code == "invalid_request" and wrong else ""
    if field in FIELDS:
        return translations.gettext(FIELDS[field])
    if problem.code == "invalid_code":
        return wrong_code(problem.extra["attempts_left"], translations=translations)
    told = PROBLEMS.get(problem.code)
    return problem.detail if told is None else translations.gettext(told)


def wrong_code(attempts_left: int, *, translations: NullTranslations) -> str:
    """Tell how often one may still try."""
    if attempts_left == 0:
        return translations.gettext("This is not the code, and that was the last try. Ask for a new one.")
    return translations.ngettext(
        "This is not the code. You have one more try.",
        "This is not the code. You have %(count)s more tries.",
        attempts_left,
    ) % {"count": attempts_left}


def problem_words(translations: NullTranslations) -> dict[str, dict[str, str]]:
    """Give the sentences that scripts show, translated."""
    return {
        "problems": {code: translations.gettext(told) for code, told in PROBLEMS.items()},
        "fields": {field: translations.gettext(told) for field, told in FIELDS.items()},
    }
