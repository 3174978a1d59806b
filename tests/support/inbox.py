"""An SMTP server in the test's own process, which keeps the mails it gets."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest_asyncio

from devstack.inbox.mail import Mail
from devstack.inbox.mailbox import Mailbox
from devstack.inbox.smtp import SmtpServer
from devstack.ports import free_port
from tests.support.waiting import until


class Inbox:
    """Where a test's mails arrive; can be stopped and started on the same port."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self._server = SmtpServer(self.mailbox, host="127.0.0.1", port=free_port())
        self.url = self._server.url
        self.start = self._server.start
        self.stop = self._server.stop

    @property
    def mails(self) -> list[Mail]:
        """The mails with their envelopes, oldest first."""
        return list(self.mailbox)

    @property
    def messages(self) -> list[EmailMessage]:
        """The mails' contents, oldest first."""
        return [mail.message for mail in self.mailbox]

    async def wait_for(self, count: int, *, within: float = 10.0) -> list[EmailMessage]:
        """Wait until at least `count` mails are here, and give them all. Raises `AssertionError`."""
        await until(lambda: len(self.mailbox) >= count, within=within)
        return self.messages


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Lend an empty, listening inbox."""
    lent = Inbox()
    await lent.start()
    yield lent
    await lent.stop()
