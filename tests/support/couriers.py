"""Couriers for tests, the events they carry, and a look into their ledger."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from contracts.events import AccountApproved, OtpRequested, UnknownAddressChallenged, UserRegistered
from contracts.facts import (
    AccountApprovedData,
    OtpRequestedData,
    UnknownAddressChallengedData,
    UserRegisteredData,
)
from contracts.identifiers import new_id
from contracts.sealing import Contents, LoginCode, Newcomer, Recipient, Sealer, new_key
from mailer_service.mailing.attempts import Attempt, Reopen
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.database import Database
from mailer_service.mailing.ledger import Ledger
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.providers import Provider, Providers
from mailer_service.mailing.rates import Rate
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl

KEY = new_key()
SEALER = Sealer([KEY])
CODE = "481502"
ADA = "ada@example.org"


def now() -> datetime:
    return datetime.now(UTC)


def attempt(
    *,
    owner: str = "host-1",
    number: int = 1,
    last: bool = False,
    taken_from: tuple[str, ...] = (),
    reopen: Reopen = Reopen.NOTHING,
    begin_data: Callable[[], bool] = lambda: True,
) -> Attempt:
    return Attempt(owner, number, last, taken_from, reopen, begin_data, begin_data)


def otp_requested(
    address: str = ADA,
    *,
    name: str = "Ada Lovelace",
    code: str = CODE,
    expires_in: timedelta | None = None,
    administrator: bool = False,
) -> OtpRequested:
    """Write of a code on its way; `expires_in` counts from now and may be negative."""
    event_id = new_id()
    someone = Recipient(address=address, name=name, administrator=administrator)
    box = LoginCode.model_validate({"recipients": (someone,), "code": code})
    expires_in = timedelta(minutes=10) if expires_in is None else expires_in
    moment = now()
    return OtpRequested(
        id=event_id,
        subject=str(uuid4()),
        time=moment + min(expires_in, timedelta(0)) - timedelta(seconds=expires_in < timedelta(0)),
        sequence="1",
        expirytime=moment + expires_in,
        data=OtpRequestedData(
            locale="en", sealed=SEALER.seal(box, event_id=event_id), user_id=uuid4(), challenge_id=uuid4()
        ),
    )


def unknown_address_challenged(address: str = "nobody@example.org") -> UnknownAddressChallenged:
    event_id = new_id()
    box = LoginCode.model_validate({"recipients": (Recipient(address=address, name=""),), "code": CODE})
    return UnknownAddressChallenged(
        id=event_id,
        time=now(),
        sequence="1",
        expirytime=now() + timedelta(minutes=10),
        data=UnknownAddressChallengedData(
            locale="en", sealed=SEALER.seal(box, event_id=event_id), challenge_id=uuid4()
        ),
    )


def user_registered(
    *administrators: str,
    name: str = "Grace Hopper",
    address: str = "grace@example.org",
    at: datetime | None = None,
) -> UserRegistered:
    event_id = new_id()
    box = Newcomer(
        recipients=tuple(Recipient(address=one, name="Admin", administrator=True) for one in administrators),
        address=address,
        name=name,
    )
    return UserRegistered(
        id=event_id,
        subject=str(uuid4()),
        time=at or now(),
        sequence="1",
        data=UserRegisteredData(
            locale="en",
            recipients=len(administrators),
            sealed=SEALER.seal(box, event_id=event_id),
            user_id=uuid4(),
        ),
    )


def account_approved(
    address: str = ADA, *, name: str = "Ada Lovelace", at: datetime | None = None
) -> AccountApproved:
    event_id = new_id()
    box = Contents(recipients=(Recipient(address=address, name=name),))
    return AccountApproved(
        id=event_id,
        subject=str(uuid4()),
        time=at or now(),
        sequence="1",
        data=AccountApprovedData(
            locale="en", sealed=SEALER.seal(box, event_id=event_id), user_id=uuid4(), approved_by=uuid4()
        ),
    )


def for_sqlalchemy(postgres_url: str) -> str:
    return postgres_url.replace("postgresql://", "postgresql+asyncpg://")


def provider(
    url: str,
    *,
    rate: str = "off",
    probe_every: timedelta = timedelta(seconds=0.05),
    probe_within: timedelta = timedelta(seconds=5),
) -> Provider:
    return Provider(
        SmtpPool(SmtpUrl.parse(url)),
        rate=Rate.parse(rate),
        probe_every=probe_every,
        probe_within=probe_within,
    )


def two_providers(first: str, second: str, *, slots: int = 16) -> Providers:
    """Make a provider and its stand-in, asked often while they are away."""
    return Providers(provider(first), provider(second), slots=Slots(total=slots, reserved=slots // 4))


@asynccontextmanager
async def courier(
    postgres_url: str,
    smtp: str | Providers,
    *,
    deadline: timedelta = timedelta(seconds=20),
    stale_after: timedelta = timedelta(seconds=60),
    connections: int = 16,
    reserved: int = 4,
) -> AsyncIterator[Courier]:
    """Make a courier as the service wires it, its waits shortened as a test asks."""
    slots = Slots(total=connections, reserved=reserved)
    providers = (
        smtp if isinstance(smtp, Providers) else Providers(provider(smtp, probe_within=deadline), slots=slots)
    )
    made = Courier(
        sealer=SEALER,
        ledger=Ledger(
            Database(for_sqlalchemy(postgres_url), patience=timedelta(seconds=1)), stale_after=stale_after
        ),
        providers=providers,
        renderer=Renderer(
            sender=Mailbox.parse("Porter <porter@porter.test>"), public_url="https://login.porter.test"
        ),
        deadline=deadline,
    )
    try:
        yield made
    finally:
        await made.close()


@dataclass(frozen=True)
class LedgerBook:
    """Reads and edits the ledger's rows as an operator could, behind the courier's back."""

    url: str

    async def rows(self) -> list[Mapping[str, Any]]:
        return await self._fetch("SELECT * FROM mailer.deliveries ORDER BY created_at, position")

    async def row(self, event_id: UUID) -> Mapping[str, Any]:
        found = [row for row in await self.rows() if row["event_id"] == event_id]
        assert len(found) == 1, found
        return found[0]

    async def attempts(self) -> list[Mapping[str, Any]]:
        return await self._fetch("SELECT * FROM mailer.delivery_attempts ORDER BY begun_at, position")

    async def suppressions(self) -> list[Mapping[str, Any]]:
        return await self._fetch("SELECT * FROM mailer.suppressions ORDER BY address")

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows()]

    async def execute(self, statement: str, *values: object) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self, event_id: UUID) -> AsyncIterator[Callable[[], Awaitable[set[datetime]]]]:
        """Hold an event's rows, so that a record of them waits; gives a way to ask since when any do."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute(
                    "SELECT 1 FROM mailer.deliveries WHERE event_id = $1 FOR UPDATE", event_id
                )

                async def waiting() -> set[datetime]:
                    rows = await self._fetch(
                        "SELECT query_start FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                    return {row["query_start"] for row in rows}

                yield waiting
        finally:
            await connection.close()

    async def _fetch(self, statement: str) -> list[Mapping[str, Any]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()
