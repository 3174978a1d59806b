"""A provider that was lost is asked, and left alone, as its own answers say."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from mailer_service.mailing.providers import Provider, Providers, SmtpAway
from mailer_service.mailing.replies import Phase
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_connection import SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.support.own_time import run_on_own_time

SECOND = timedelta(seconds=1)


class Probed(SmtpPool):
    """Connections to a server that answers when and how a test says; notes when it was asked."""

    def __init__(self, answer: Callable[[], SmtpEnded | None], *, host: str = "a.test") -> None:
        super().__init__(SmtpUrl(host, 25, "none"))
        self._answer = answer
        self.answered = asyncio.Event()
        self.answered.set()
        self.asked_at: list[float] = []

    async def probe(self) -> None:
        self.asked_at.append(asyncio.get_running_loop().time())
        await self.answered.wait()
        ended = self._answer()
        if ended is not None:
            raise ended


def provider(pool: SmtpPool) -> Provider:
    return Provider(pool, probe_every=SECOND, chance=lambda: 0.0)


def test_one_that_answers_probes_and_fails_at_mails_is_asked_ever_more_seldom() -> None:
    async def play() -> list[float]:
        flapping = provider(Probed(lambda: None))
        clock = asyncio.get_running_loop().time
        waits = []
        for _ in range(9):
            began = clock()
            flapping.lost("sender refused")
            await flapping.ask_until_back()
            waits.append(clock() - began)
        return waits

    assert run_on_own_time(play) == pytest.approx([*(1.5**n for n in range(7)), 15, 15])


def test_one_that_is_lost_as_its_probe_gets_through_is_asked_again() -> None:
    async def play() -> tuple[bool, int]:
        pool = Probed(lambda: None)
        first, second = provider(pool), provider(Probed(lambda: None, host="b.test"))
        both = Providers(first, second, slots=Slots(total=4, reserved=1))
        pool.answered.clear()
        both.lost(first, "refused")

        async def fail_late() -> None:
            await pool.answered.wait()
            both.lost(first, "refused late")

        await asyncio.sleep(2)
        late = asyncio.create_task(fail_late())
        await asyncio.sleep(0)
        pool.answered.set()
        await late
        assert first.is_away
        await asyncio.sleep(20)
        return first.is_away, len(pool.asked_at)

    assert run_on_own_time(play) == (False, 2)


def test_one_that_names_a_time_is_not_asked_before() -> None:
    hints = ["4.7.0 Too busy, try again in 300 seconds", None]

    def answer() -> SmtpEnded | None:
        hint = hints.pop(0)
        return None if hint is None else SmtpEnded(Phase.CONNECT, 421, hint)

    async def play() -> list[float]:
        pool = Probed(answer)
        quiet = provider(pool)
        quiet.lost("connect: 421", hint=timedelta(minutes=10))
        with pytest.raises(SmtpAway, match="left alone for 600 s"):
            await quiet.probe()
        await quiet.ask_until_back()
        return pool.asked_at

    assert run_on_own_time(play) == pytest.approx([600, 900], abs=0.01)


def test_one_that_refuses_the_password_is_asked_every_five_minutes_at_last() -> None:
    async def play() -> list[float]:
        pool = Probed(lambda: SmtpEnded(Phase.AUTH, 535, "5.7.8 No"))
        refusing = provider(pool)
        refusing.lost("auth: 535")
        asking = asyncio.create_task(refusing.ask_until_back())
        for _ in range(400):  # as whoever stopped reading mail asks, every 15 s
            await asyncio.sleep(15)
            with pytest.raises(SmtpAway):
                await refusing.probe()
        asking.cancel()
        return pool.asked_at

    asked_at = run_on_own_time(play)
    waits = [later - earlier for earlier, later in pairwise(asked_at)]
    assert waits == sorted(waits)
    assert 300 <= waits[-1] <= 315
    assert len(asked_at) < 40


def test_a_mail_that_gets_through_says_that_a_provider_is_back_unless_it_was_begun_before() -> None:
    async def play() -> list[bool]:
        only = provider(Probed(lambda: None))
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(1)
        before = clock() - 0.5
        only.lost("refused")
        away = [only.is_away]
        only.took(begun=before)
        away.append(only.is_away)
        await asyncio.sleep(1)
        only.took(begun=clock())
        return [*away, only.is_away]

    assert run_on_own_time(play) == [True, True, False]
