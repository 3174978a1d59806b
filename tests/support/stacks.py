"""Stacks for tests: with servers of their own, whatever the tests themselves were given."""

import os

from devstack.stack import Stack


def own_stack(**settings: str) -> Stack:
    """Describe a stack whose services get `settings`, and that starts every server itself."""
    given = ("DATABASE_URL", "REDIS_URL", "MAILER_SMTP_URL")
    caller = {name: value for name, value in os.environ.items() if name not in given}
    return Stack(caller=caller | settings)
