"""The flows on a real database, with what they need at hand: the arrangement of the tests beside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from sqlalchemy import event, select

from auth_service.flows.administrators import create_admin
from auth_service.flows.answers import consume, verify
from auth_service.flows.decisions import approve
from auth_service.flows.entering import NewTokens
from auth_service.flows.outcomes import ChallengeClosed, Outcome, TooSoon
from auth_service.flows.questions import register, start_challenge
from auth_service.flows.resending import resend
from auth_service.model.callers import NOBODY, Caller
from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import new_token
from auth_service.model.users import User
from auth_service.storage.database import Database
from auth_service.storage.tables import outbox
from contracts.envelope import unseal
from contracts.events import AnyEvent
from contracts.registry import event_class
from contracts.sealing import Contents, LoginCode, LoginLink, Recipient, Sealer, new_key

BINDING = "B" * 43


@dataclass(frozen=True)
class Letter:
    """What the mailer is told to mail for a challenge."""

    event: AnyEvent
    box: Contents

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        return self.box.recipients

    @property
    def code(self) -> str | None:
        assert isinstance(self.box, LoginCode | LoginLink)
        return None if self.box.code is None else self.box.code.get_secret_value()

    @property
    def link(self) -> str | None:
        assert isinstance(self.box, LoginCode | LoginLink)
        return None if self.box.link is None else self.box.link.get_secret_value()

    @property
    def token(self) -> str | None:
        """Take what follows the # of the link."""
        return None if self.link is None else self.link.partition("#")[2]


@dataclass(frozen=True)
class Door:
    """Does what the API does, one unit of work each."""

    database: Database
    peppers: Peppers = field(default_factory=lambda: Peppers([b"\x05" * 32]))
    sealer: Sealer = field(default_factory=lambda: Sealer([new_key()]))
    rules: LoginRules = field(default_factory=LoginRules)

    async def ask(self, email: str, *, binding: str = BINDING, device: str | None = None) -> Challenge:
        async with self.database.unit() as unit:
            return await start_challenge(
                email,
                binding=binding,
                device=device,
                unit=unit,
                rules=self.rules,
                peppers=self.peppers,
                sealer=self.sealer,
            )

    async def register(self, email: str, *, name: str = "Ada", locale: str | None = None) -> Challenge:
        async with self.database.unit() as unit:
            return await register(
                email,
                name=name,
                locale=locale,
                binding=BINDING,
                device=None,
                unit=unit,
                rules=self.rules,
                peppers=self.peppers,
                sealer=self.sealer,
            )

    async def resend(
        self, challenge_id: UUID, *, binding: str = BINDING
    ) -> Challenge | TooSoon | ChallengeClosed:
        async with self.database.unit() as unit:
            return await resend(
                challenge_id,
                binding=binding,
                unit=unit,
                rules=self.rules,
                peppers=self.peppers,
                sealer=self.sealer,
            )

    async def answer(
        self,
        challenge_id: UUID,
        code: str,
        *,
        binding: str = BINDING,
        token: str | None = None,
        device: str | None = None,
        caller: Caller = NOBODY,
    ) -> Outcome:
        async with self.database.unit(caller=caller) as unit:
            return await verify(
                challenge_id,
                code,
                binding=binding,
                tokens=NewTokens(session=token or new_token(), device=device or new_token()),
                unit=unit,
                rules=self.rules,
                peppers=self.peppers,
                sealer=self.sealer,
            )

    async def follow(
        self,
        link_token: str,
        *,
        binding: str = BINDING,
        elsewhere: bool = False,
        device: str | None = None,
    ) -> Outcome:
        """Answer with a link."""
        async with self.database.unit() as unit:
            return await consume(
                link_token,
                binding=binding,
                elsewhere=elsewhere,
                tokens=NewTokens(session=new_token(), device=device or new_token()),
                unit=unit,
                rules=self.rules,
                sealer=self.sealer,
            )

    async def admin(self, email: str = "root@example.org") -> User:
        async with self.database.unit() as unit:
            return await create_admin(email, name=None, unit=unit, sealer=self.sealer)

    async def approve(self, user_id: UUID, *, by: UUID) -> User:
        async with self.database.unit() as unit:
            return await approve(user_id, by=by, unit=unit, sealer=self.sealer)

    async def member(self, email: str = "ada@example.org", *, name: str = "Ada") -> User:
        """Take someone through the door until they are active."""
        challenge = await self.register(email, name=name)
        await self.answer(challenge.id, await self.mailed_code(challenge.id))
        async with self.database.unit() as unit:
            waiting = await unit.users.find(email)
        assert waiting is not None
        return await self.approve(waiting.id, by=(await self.admin()).id)

    async def events(self) -> Sequence[AnyEvent]:
        """Read the outbox as the events that it becomes, oldest first."""
        async with self.database.engine.connect() as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [
            event_class(row["type"]).model_validate(
                {
                    "id": row["id"],
                    "subject": row["subject"],
                    "time": row["occurred_at"],
                    "sequence": str(row["sequence"]),
                    "expirytime": row["expires_at"],
                    "traceparent": row["traceparent"],
                    "data": row["data"],
                }
            )
            for row in rows
        ]

    async def letters(self, challenge_id: UUID) -> Sequence[Letter]:
        """Open the boxes that the mailer gets for a challenge, in the order of their making."""
        return [
            Letter(event, unseal(event, event.contents, sealer=self.sealer))
            for event in await self.events()
            if getattr(event.data, "challenge_id", None) == challenge_id
        ]

    async def mailed(self, challenge_id: UUID) -> Letter:
        """Open the last box that the mailer gets for a challenge."""
        return (await self.letters(challenge_id))[-1]

    async def mailed_code(self, challenge_id: UUID) -> str:
        code = (await self.mailed(challenge_id)).code
        assert code is not None
        return code

    async def mailed_link(self, challenge_id: UUID) -> str:
        """Take the token of the last link that was mailed for a challenge."""
        token = (await self.mailed(challenge_id)).token
        assert token is not None
        return token

    async def letters_of(self, challenge_id: str) -> Sequence[Letter]:
        """Open the boxes for a challenge whose id came as text."""
        return await self.letters(UUID(challenge_id))

    async def mailed_of(self, challenge_id: str) -> Letter:
        """Open the last of them."""
        return await self.mailed(UUID(challenge_id))

    async def mailed_code_of(self, challenge_id: str) -> str:
        """Take the code for a challenge whose id came as text."""
        return await self.mailed_code(UUID(challenge_id))


class StatementLog:
    """Notes the statements that a database runs while it is listening."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine.sync_engine
        self.statements: list[str] = []

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _: object, __: object, statement: str, *___: object) -> None:
        self.statements.append(statement)


def wrong(code: str) -> str:
    """Make a code that is not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"
