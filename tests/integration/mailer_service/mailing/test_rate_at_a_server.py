"""The server, by its own clock, never sees more mails in a window than the send rate says."""

import asyncio
from datetime import timedelta

from mailer_service.mailing.providers import Providers
from mailer_service.mailing.slots import Slots
from tests.support.couriers import attempt, courier, otp_requested, provider
from tests.support.fault_smtp import Asked, Fault, FaultSmtp, Phase

COUNT, SECONDS = 5, 1.0


def slow_at_first(asked: Asked) -> Fault | None:
    """Greet the first connections late, and answer some recipients late."""
    if asked.phase is Phase.CONNECT and asked.seen <= COUNT:
        return Fault(delay=0.95)
    if asked.phase is Phase.RCPT and asked.recipient.startswith("late"):
        return Fault(delay=0.4)
    return None


async def test_slow_connections_and_replies_push_no_mails_together(postgres_url: str) -> None:
    names = [f"{'late' if number % 4 == 0 else 'soon'}{number}" for number in range(15)]
    async with FaultSmtp(slow_at_first) as smtp:
        one = Providers(provider(smtp.url, rate=f"{COUNT}/1"), slots=Slots(total=16, reserved=4))
        async with courier(postgres_url, one, deadline=timedelta(seconds=30)) as carrier:
            await asyncio.gather(
                *(
                    carrier.deliver(otp_requested(f"{name}@example.org"), position=0, attempt=attempt())
                    for name in names
                )
            )
        begun = sorted(data.begun_at for data in smtp.data_begun)
    assert len(begun) == len(names)
    for first, over in zip(begun, begun[COUNT:], strict=False):
        assert over - first >= SECONDS
