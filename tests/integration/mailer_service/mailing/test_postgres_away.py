"""Postgres goes away at the worst moments: nothing is lost, nothing is sent twice."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from devstack.answers import postgres_answers
from devstack.ports import free_port
from devstack.servers.postgres import Postgres, initialise
from mailer_service.mailing.deliveries import AlreadyEnded, Away, Busy, Postponed, Sent, State, Unconfirmed
from mailer_service.mailing.migrate import upgrade
from tests.support.cable import Cable
from tests.support.couriers import LedgerBook, attempt, courier, for_sqlalchemy, otp_requested
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.waiting import until

KEEPS_COMMITS = {"fsync": "off", "full_page_writes": "off"}
"""A commit survives the server's crash, though not the machine's."""


@asynccontextmanager
async def cabled(postgres_url: str) -> AsyncIterator[tuple[Cable, str]]:
    """Lay a cable to the database; gives it and the database's address through it."""
    parts = urlsplit(postgres_url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with Cable(parts.hostname, parts.port) as cable:
        yield cable, postgres_url.replace(f":{parts.port}/", f":{cable.port}/")


async def test_a_claim_without_postgres_is_an_outage_and_nothing_is_sent(postgres_url: str) -> None:
    event = otp_requested()
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp() as smtp,
        courier(url, smtp.url) as carrier,
    ):
        await carrier.probe_postgres()
        await cable.cut()
        ending = await carrier.deliver(event, position=0, attempt=attempt())
        assert isinstance(ending, Away)
        assert ending.part == "postgres"
        with pytest.raises(ConnectionError):
            await carrier.probe_postgres()
        assert smtp.connections == 0
        await cable.mend()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()


async def test_a_frozen_postgres_is_given_up_on_in_seconds(postgres_url: str) -> None:
    event = otp_requested()
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp() as smtp,
        courier(url, smtp.url) as carrier,
    ):
        await carrier.probe_postgres()
        cable.freeze()
        async with asyncio.timeout(10):
            assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Away)
            with pytest.raises(ConnectionError):
                await carrier.probe_postgres()
        await cable.mend()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()


async def test_dead_connections_in_the_pool_cost_no_attempt(postgres_url: str) -> None:
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp() as smtp,
        courier(url, smtp.url) as carrier,
    ):
        several = [otp_requested(f"{n}@example.org") for n in range(8)]
        await asyncio.gather(*(carrier.deliver(one, position=0, attempt=attempt()) for one in several))
        await cable.cut()
        await cable.mend()
        several = [otp_requested(f"{n}@example.org") for n in range(8)]
        endings = await asyncio.gather(
            *(carrier.deliver(one, position=0, attempt=attempt()) for one in several)
        )
        assert endings == [Sent()] * 8


async def test_a_claim_whose_answer_was_lost_can_be_made_again_at_once(postgres_url: str) -> None:
    event = otp_requested()
    book = LedgerBook(postgres_url)
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp() as smtp,
        courier(url, smtp.url) as carrier,
    ):
        # Once, so that the pool's only connection has the statement prepared and need not wait to run it.
        await carrier.deliver(otp_requested("bob@example.org"), position=0, attempt=attempt())
        cable.replies_lost = True
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Away)
        assert (await book.row(event.id))["state"] == "sending"
        await cable.cut()
        await cable.mend()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
        # Its own claim came to nothing, as it knows: it was bound to no provider for it.
        assert (await book.row(event.id))["taken_over_at"] is None


async def test_a_250_is_recorded_when_postgres_is_back_and_the_mail_not_sent_again(postgres_url: str) -> None:
    event = otp_requested()
    book = LedgerBook(postgres_url)
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp(rules(Rule(Phase.CONTENT, Fault(delay=0.2)))) as smtp,
        courier(url, smtp.url, stale_after=timedelta(0)) as carrier,
    ):
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.data_begun, within=5)
        await cable.cut()
        await smtp.wait_for(1)
        assert isinstance(
            await carrier.deliver(otp_requested("bob@example.org"), position=0, attempt=attempt()), Away
        )
        assert await carrier.deliver(event, position=0, attempt=attempt(owner="host-2")) == Busy()
        assert not delivery.done()
        await cable.mend()
        assert await carrier.deliver(event, position=0, attempt=attempt()) in (
            Busy(),
            AlreadyEnded(State.SENT),
        )
        assert await delivery == Sent()
    assert len(smtp.accepted) == 1
    assert await book.states() == ["sent"]


async def test_an_unclear_end_is_counted_when_postgres_is_back(postgres_url: str) -> None:
    event = otp_requested()
    book = LedgerBook(postgres_url)
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp(rules(Rule(Phase.CONTENT, Fault(delay=0.2, drop_before=True)))) as smtp,
        courier(url, smtp.url) as carrier,
    ):
        for number in (1, 2):
            delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt(number=number)))
            await until(lambda number=number: len(smtp.data_begun) == number, within=5)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            await cable.cut()
            await smtp.wait_for(number)
            await cable.mend()
            assert isinstance(await delivery, Postponed if number == 1 else Unconfirmed)
            assert (await book.row(event.id))["unclear"] == number
    assert len(smtp.accepted) == 2


async def test_a_mail_that_could_not_be_let_go_is_claimed_again_at_once(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.RCPT, Fault("451 4.3.0 Later", delay=0.2), first=1))
    async with (
        cabled(postgres_url) as (cable, url),
        FaultSmtp(plan) as smtp,
        courier(url, smtp.url) as carrier,
    ):
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.most_mails, within=5)
        await cable.cut()
        ending = await delivery
        assert isinstance(ending, Away)
        assert ending.part == "postgres"
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "sending"
        await cable.mend()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """Initialise a Postgres that this module may stop; it is not running yet."""
    with TemporaryDirectory(prefix="porter-postgres-") as place:
        folder = Path(place) / "postgres"
        yield initialise(folder=folder, port=free_port(), password="stoppable")


class Stoppable:
    """A Postgres process that comes and goes on its data."""

    def __init__(self, server: Postgres) -> None:
        self._program = server.program(KEEPS_COMMITS)
        self._url = server.url()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = await asyncio.to_thread(self._started)
        await until(lambda: postgres_answers(self._url), within=20)

    async def stop(self) -> None:
        """Stop at once, as after a power cut: no goodbye to anyone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            await asyncio.to_thread(self._process.wait, 20)
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._program.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._program.start_options(),
        )


@pytest.fixture
async def stoppable(own_postgres: Postgres) -> AsyncIterator[Stoppable]:
    server = Stoppable(own_postgres)
    await server.start()
    yield server
    await server.stop()


async def test_postgres_stopped_and_started_with_mails_in_flight_doubles_and_loses_none(
    own_postgres: Postgres, stoppable: Stoppable
) -> None:
    await asyncio.to_thread(upgrade, for_sqlalchemy(own_postgres.url()))
    events = [otp_requested(f"{number}@example.org") for number in range(40)]
    plan = rules(Rule(Phase.CONTENT, Fault(delay=0.15)))
    async with FaultSmtp(plan) as smtp, courier(own_postgres.url(), smtp.url, connections=8) as carrier:

        async def carry(position: int) -> list[str]:
            """Deliver as the consuming side does: come back after an outage, without counting it."""
            seen = []
            while True:
                ending = await carrier.deliver(events[position], position=0, attempt=attempt())
                seen.append(type(ending).__name__)
                if not isinstance(ending, Away | Busy):
                    return seen
                await until(lambda: postgres_answers(own_postgres.url()), within=30)

        carrying = asyncio.gather(*(carry(position) for position in range(len(events))))
        await smtp.wait_for(10)
        with capture_logs() as lines:
            await stoppable.stop()
            await until(lambda: any(line["event"] == "record_delayed" for line in lines), within=10)
            await stoppable.start()
            endings = await carrying
    assert {seen[-1] for seen in endings} <= {"Sent", "AlreadyEnded"}
    assert sorted(mail.recipient for mail in smtp.accepted) == sorted(f"{n}@example.org" for n in range(40))
    assert await LedgerBook(own_postgres.url()).states() == ["sent"] * 40
    assert "mail_sent_after_its_end" not in {line["event"] for line in lines}
