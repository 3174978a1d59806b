"""People at an even pace, whatever becomes of Redis: they are seen, ask for codes and answer them.

The arrangement of what shows a stack without its Redis: each answer is taken down, each mail counted.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal
from uuid import UUID

import asyncpg
import httpx

from auth_service.model.codes import otp_code
from auth_service.model.peppers import new_pepper, parse_pepper
from devstack.stack import Stack
from tests.integration.auth_service.door import wrong
from tests.integration.auth_service.service.people import Person, settle
from tests.support.own_redis import OwnRedis
from tests.support.stacks import own_stack

Kind = Literal["me", "challenge", "crowded challenge", "right code", "wrong code"]

PER_SECOND: Final = 50
DOCUMENTED: Final[dict[Kind, set[int]]] = {
    "me": {200},
    "challenge": {202},
    "crowded challenge": {202, 429},
    "right code": {200},
    "wrong code": {400},
}
"""How each is answered, with Redis and without."""

CODES_PER_IP: Final = 5
CROWD: Final = "198.51.100.7"
"""Where too many ask from, so that a limit has to say no."""
LIMITS: Final = {
    "AUTH_LIMIT_CODES_PER_IP": f"{CODES_PER_IP}/300",
    "AUTH_LIMIT_CODES_PER_ADDRESS": "5/3600",
    "AUTH_LIMIT_VERIFY_PER_IP": "10/300",
    "AUTH_TRUSTED_PROXIES": "127.0.0.0/8,::1/128",
}
CONNECTIONS: Final = httpx.Limits(max_connections=None, keepalive_expiry=1)
"""The service closes what is idle for 5 s; nobody sends on a connection that is about to end."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked and how it was answered, when it was sent and how long it took, in seconds."""

    kind: Kind
    status: int
    sent_at: float
    took: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge that was accepted: who may answer it, from where."""

    id: UUID
    binding: str
    place: str


@dataclass
class Visits:
    """Everybody's visits; `pepper` is the service's, for nobody's mail arrives while Redis is away."""

    client: httpx.AsyncClient
    postgres: asyncpg.Pool
    pepper: bytes
    seen: Person
    people: Iterator[Person]
    answers: list[Answered] = field(default_factory=list)
    accepted: list[UUID] = field(default_factory=list)
    _open: deque[Asked] = field(default_factory=deque)
    _turns: Iterator[int] = field(default_factory=count)

    async def keep_coming(self, *, until_set: asyncio.Event) -> None:
        """Visit at an even pace, whatever becomes of the earlier ones; ends when all were answered."""
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not until_set.is_set():
                group.create_task(self._visit(next(self._turns)))
                due += 1 / PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _visit(self, turn: int) -> None:
        match turn % 5:
            case 1:
                await self._ask(turn)
            case 3 if self._open:
                await self._answer(self._open.popleft(), is_right=turn % 2 == 0)
            case _:
                sent_at = time.monotonic()
                self._note("me", sent_at, await self.client.get("/v1/me", headers=self.seen.headers))

    async def _ask(self, turn: int) -> None:
        """Ask for a code, from one's own place or, one in four, from where all the others are."""
        kind: Kind = "crowded challenge" if turn % 20 == 1 else "challenge"
        place = (
            CROWD if kind == "crowded challenge" else f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"
        )
        body = {"email": next(self.people).email, "transport": "bearer"}
        sent_at = time.monotonic()
        answer = await self.client.post("/v1/login/challenges", json=body, headers={"X-Forwarded-For": place})
        self._note(kind, sent_at, answer)
        if answer.status_code == httpx.codes.ACCEPTED:
            asked = Asked(UUID(answer.json()["challenge_id"]), answer.json()["binding"], place)
            self.accepted.append(asked.id)
            if kind == "challenge":  # too many answers from one place are none
                self._open.append(asked)

    async def _answer(self, asked: Asked, *, is_right: bool) -> None:
        row = await self.postgres.fetchrow(
            "SELECT code_salt, digits FROM auth.challenges WHERE id = $1", asked.id
        )
        code = otp_code(asked.id, code_salt=row["code_salt"], pepper=self.pepper, digits=row["digits"])
        sent_at = time.monotonic()
        answer = await self.client.post(
            f"/v1/login/challenges/{asked.id}/verify",
            json={"code": code if is_right else wrong(code)},
            headers={"Porter-Binding": asked.binding, "X-Forwarded-For": asked.place},
        )
        self._note("right code" if is_right else "wrong code", sent_at, answer)

    def _note(self, kind: Kind, sent_at: float, answer: httpx.Response) -> None:
        self.answers.append(Answered(kind, answer.status_code, sent_at, time.monotonic() - sent_at))

    def statuses(self) -> dict[Kind, set[int]]:
        """Tell how each kind was answered."""
        return {kind: {each.status for each in self.answers if each.kind == kind} for kind in DOCUMENTED}

    async def mails(self, inbox: httpx.AsyncClient) -> Counter[int]:
        """Tell how many accepted challenges have no mail, how many have one, and so on.

        A mail is known by its Message-ID, which is that of the challenge's one event in the ledger.
        """
        listed = (await inbox.get("/api/v1/messages", params={"limit": 10_000})).json()["messages"]
        arrived = Counter(mail["MessageID"].strip("<>") for mail in listed)
        rows = await self.postgres.fetch(
            "SELECT event.data ->> 'challenge_id' AS challenge, mail.message_id"
            " FROM auth.outbox AS event LEFT JOIN mailer.deliveries AS mail ON mail.event_id = event.id"
            " WHERE event.data ->> 'challenge_id' = ANY($1)",
            [str(each) for each in self.accepted],
        )
        assert Counter(row["challenge"] for row in rows) == Counter(str(each) for each in self.accepted)
        return Counter(arrived[(row["message_id"] or "").strip("<>")] for row in rows)

    async def has_each_mail_once(self, inbox: httpx.AsyncClient) -> bool:
        """Tell whether each accepted challenge has its mail, and none has two."""
        return await self.mails(inbox) == {1: len(self.accepted)}

    async def mails_in_all(self, inbox: httpx.AsyncClient) -> int:
        """Count the mails that carry a code, whatever the ledger says of them."""
        listed = (await inbox.get("/api/v1/messages", params={"limit": 10_000})).json()["messages"]
        return sum("code" in mail["Subject"].casefold() for mail in listed)


@asynccontextmanager
async def visited(redis: OwnRedis, *, people: int) -> AsyncIterator[tuple[Stack, Visits, httpx.AsyncClient]]:
    """Run a stack on this Redis, with limits, for people who are known; lends its inbox, too."""
    pepper = new_pepper()
    async with (
        own_stack(**LIMITS, AUTH_PEPPERS=pepper, REDIS_URL=redis.url) as stack,
        asyncpg.create_pool(stack.environment["DATABASE_URL"], min_size=1, max_size=5) as postgres,
        httpx.AsyncClient(
            base_url=stack.environment["AUTH_URL"], trust_env=False, timeout=20, limits=CONNECTIONS
        ) as client,
        httpx.AsyncClient(
            base_url=stack.environment["INBOX_URL"], trust_env=False, timeout=20, limits=CONNECTIONS
        ) as inbox,
    ):
        async with postgres.acquire() as connection:
            seen, *others = await settle(connection, 1 + people)
        yield stack, Visits(client, postgres, parse_pepper(pepper), seen, _each_once(others)), inbox


def _each_once(people: Sequence[Person]) -> Iterator[Person]:
    yield from people
    raise AssertionError(f"all {len(people)} have asked: settle more of them")
