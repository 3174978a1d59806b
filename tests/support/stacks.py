"""Stacks for tests: with servers of their own, whatever the tests themselves were given."""

import os

from devstack.stack import Stack
from tests.support.no_limits import NO_LIMITS


def own_stack(**settings: str) -> Stack:
    """Describe a stack whose services get `settings`, and that starts every server itself.

    Nobody is limited there unless `settings` say so: all tests of a stack come from one address.
    """
    return Stack(caller=own_caller(**settings))


def own_caller(**settings: str) -> dict[str, str]:
    """Give the environment of such a stack; a server's address in `settings` is taken instead of started."""
    given = ("DATABASE_URL", "REDIS_URL", "MAILER_SMTP_URL")
    caller = {name: value for name, value in os.environ.items() if name not in given}
    return caller | dict(NO_LIMITS) | settings
