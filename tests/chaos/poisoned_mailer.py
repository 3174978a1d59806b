"""`python -m tests.chaos.poisoned_mailer`: the mailer itself, but for one mail that kills its process."""

import asyncio
import os
import signal

from contracts import logs
from contracts.environment import load
from contracts.events import AnyEvent
from mailer_service import app, assembly
from mailer_service.mailing.attempts import Attempt
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.deliveries import Delivery
from mailer_service.mailing.letters import open_letter
from mailer_service.settings import MailerSettings

POISON = "poison@example.org"


class PoisonedCourier(Courier):
    """Delivers every mail but one."""

    async def deliver(self, event: AnyEvent, *, position: int, attempt: Attempt) -> Delivery:
        """Die over the poison, as a process does that runs out of memory."""
        if open_letter(event, position=position, sealer=self._sealer).recipient.address == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().deliver(event, position=position, attempt=attempt)


if __name__ == "__main__":
    logs.configure("json", service="mailer")
    assembly.Courier = PoisonedCourier  # type: ignore[attr-defined]  # the one part that is not the mailer's own
    asyncio.run(app.run(load(MailerSettings)))
