"""Whoever asks learns nothing: not who has an address, nor why a challenge cannot be answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, insert, literal, literal_column, select, update

from auth_service.model.codes import otp_code
from auth_service.model.rules import Method
from auth_service.model.users import Status
from auth_service.outbox.delivery import DeliveryLook
from auth_service.storage.database import Database
from auth_service.storage.tables import challenges, metadata, users
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import ORIGIN, Site, open_site, problem
from tests.integration.auth_service.door import StatementLog, wrong

METHODS: tuple[Method, ...] = ("otp", "magic_link", "otp_and_link")
NOBODY = "unknown@example.org"


@dataclass(frozen=True)
class Written:
    """How many rows of a table came, changed and went."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


NOTHING = Written()


@dataclass(frozen=True)
class Seen:
    """All that an answer shows and all that it cost."""

    statements: tuple[str, ...]
    writes: Mapping[str, Written]
    status: int
    body: frozenset[str]
    size: int
    headers: frozenset[tuple[str, str]]


async def _versions(database: Database) -> dict[str, set[tuple[str, str]]]:
    """Tell, of every table, its rows by key and by the transaction that wrote them last."""
    async with database.engine.connect() as connection:
        return {
            table.name: {
                (str(tuple(key)), xmin)
                for xmin, *key in await connection.execute(
                    select(literal_column("xmin::text"), *table.primary_key.columns)
                )
            }
            for table in metadata.sorted_tables
        }


def _written(before: set[tuple[str, str]], after: set[tuple[str, str]]) -> Written:
    """Tell how many rows came, changed and went."""
    old, new = {key for key, _ in before}, {key for key, _ in after}
    changed = {key for key, _ in after - before} & old
    return Written(inserted=len(new - old), updated=len(changed), deleted=len(old - new))


async def _see(site: Site, asked: Callable[[], Awaitable[httpx.Response]]) -> Seen:
    before = await _versions(site.parts.database)
    with StatementLog(site.parts.database) as log:
        answer = await asked()
    after = await _versions(site.parts.database)
    varying = {"porter-trace-id", "set-cookie", "retry-after"}
    return Seen(
        statements=tuple(log.statements),
        writes={table: _written(before[table], after[table]) for table in after},
        status=answer.status_code,
        body=frozenset(answer.json()),
        size=len(answer.content),
        headers=frozenset(
            (name, str(len(value)) if name in varying else value) for name, value in answer.headers.items()
        ),
    )


async def _everybody(site: Site) -> list[str]:
    """Have an account in every state; gives their addresses, of one length, and one that nobody has."""
    addresses = {status: f"{status.value[:7]:x<7}@example.org" for status in Status}
    async with site.parts.database.engine.begin() as connection:
        for status, email in addresses.items():
            account = {"name": "Ada", "locale": "en", "role": "member", "version": 1}
            await connection.execute(
                insert(users).values(id=new_id(), email=email, status=status.value, **account)
            )
    return [*addresses.values(), NOBODY]


def _all_alike(seen: Mapping[str, Seen]) -> Seen:
    first, *others = seen.items()
    for name, each in others:
        assert each == first[1], f"{name} and {first[0]} differ"
    return first[1]


@pytest.mark.parametrize("method", METHODS)
async def test_every_address_is_asked_alike(postgres_url: str, method: Method) -> None:
    async with open_site(postgres_url, login_method=method) as site:
        seen = {}
        for email in await _everybody(site):
            async with site.browser() as browser:
                seen[email] = await _see(site, partial(site.ask, browser, email))
    told = _all_alike(seen)
    assert told.status == 202
    assert len(told.statements) <= 4
    assert {table: rows for table, rows in told.writes.items() if rows != NOTHING} == {
        "challenges": Written(inserted=1),
        "outbox": Written(inserted=1),
        **({"links": Written(inserted=1)} if method != "otp" else {}),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("limit", "statements"), [("off", 3), ("9/300", 4)])
async def test_a_device_is_asked_alike_whether_anyone_knows_it(
    postgres_url: str, method: Method, limit: str, statements: int
) -> None:
    async with open_site(postgres_url, login_method=method, limit_codes_per_address=limit) as site:
        await site.door.admin("ada@example.org")
        seen = {}
        challenge = await site.door.ask("ada@example.org")
        letter = await site.door.mailed(challenge.id)
        if letter.token:
            await site.door.follow(letter.token, device="D" * 43)
        else:
            await site.door.answer(challenge.id, letter.code or "", device="D" * 43)
        device = {site.parts.door.cookies.device: "D" * 43}
        for email in ("ada@example.org", "bob@example.org"):
            async with site.client(headers={"Origin": ORIGIN}, cookies=device) as browser:
                seen[email] = await _see(site, partial(site.ask, browser, email))
    assert len(_all_alike(seen).statements) == statements  # limits first look who asks


@pytest.mark.parametrize("method", METHODS)
async def test_every_address_that_is_known_is_registered_alike(postgres_url: str, method: Method) -> None:
    async with open_site(postgres_url, login_method=method) as site:
        seen, writes = {}, {}
        for email in await _everybody(site):
            async with site.browser() as browser:
                each = await _see(site, partial(site.ask, browser, email, path="/v1/registrations"))
            writes[email] = each.writes["users"]
            seen[email] = Seen(**{**vars(each), "writes": dict(each.writes) | {"users": NOTHING}})
    told = _all_alike(seen)
    assert told.status == 202
    assert len(told.statements) <= 4
    assert writes.pop(NOBODY) == Written(inserted=1)
    assert set(writes.values()) == {Written(updated=1)}


@pytest.mark.parametrize("method", METHODS)
async def test_every_address_is_guessed_at_alike_until_only_a_link_is_left(
    postgres_url: str, method: Method
) -> None:
    async with open_site(postgres_url, login_method=method) as site:
        steps: dict[str, list[Seen]] = {}
        for email in await _everybody(site):
            steps[email] = []
            async with site.browser() as browser:
                for _ in range(3):
                    asked = await site.ask(browser, email)
                    steps[email].append(await _see(site, partial(_again, asked)))
                    for _ in range(6):
                        steps[email].append(await _see(site, partial(_guess, site, browser, asked)))
    first = steps[NOBODY]
    assert all(each == first for each in steps.values())
    assert [each.status for each in first[1:7]] == [400] * 5 + [410]
    assert first[1].writes["challenges"] == Written(updated=1)
    assert [each.status for each in first[15:21]] == [410] * 6


async def _again(answer: httpx.Response) -> httpx.Response:
    return answer


async def _guess(site: Site, browser: httpx.AsyncClient, asked: httpx.Response) -> httpx.Response:
    challenge_id = asked.json()["challenge_id"]
    async with site.parts.database.engine.connect() as connection:
        row = (
            await connection.execute(select(challenges).where(challenges.c.id == UUID(challenge_id)))
        ).one()
    right = otp_code(row.id, code_salt=row.code_salt, pepper=site.door.peppers.newest, digits=row.digits)
    return await browser.post(f"/v1/login/challenges/{challenge_id}/verify", json={"code": wrong(right)})


@pytest.mark.parametrize("method", METHODS)
async def test_every_address_is_mailed_again_alike(postgres_url: str, method: Method) -> None:
    async with open_site(postgres_url, login_method=method) as site:
        soon, late = {}, {}
        for email in await _everybody(site):
            async with site.browser() as browser:
                path = (
                    f"/v1/login/challenges/{(await site.ask(browser, email)).json()['challenge_id']}/resend"
                )
                soon[email] = await _see(site, partial(browser.post, path))
                async with site.parts.database.engine.begin() as connection:
                    past = challenges.c.mailed_at - literal(timedelta(seconds=61))
                    await connection.execute(update(challenges).values(mailed_at=past))
                late[email] = await _see(site, partial(browser.post, path))
    assert _all_alike(soon).status == 429
    assert _all_alike(late).status == 202


@pytest.mark.parametrize("what", ["verify", "resend", "look", "link"])
async def test_whatever_cannot_be_answered_is_refused_alike(postgres_url: str, what: str) -> None:
    async with open_site(postgres_url, login_method="otp_and_link") as site:
        # How mail gets on is looked up once a second; on a slow machine that second could end in mid-look.
        still = DeliveryLook(database=site.parts.database, redis=site.parts.redis, clock=lambda: 0.0)
        site.app.state.door = replace(site.parts.door, delivery=still.look)
        await site.door.admin("ada@example.org")
        seen, told = {}, []
        # Where a link was not asked for, it may be opened all the same: whoever clicks it is asked first.
        for why in ("unknown", "expired", "spent", *(() if what == "link" else ("foreign",))):
            async with site.browser() as browser, site.browser() as stranger:
                await site.ask(stranger, NOBODY)
                asked = (await site.ask(browser, "ada@example.org")).json()["challenge_id"]
                letter = await site.door.mailed(UUID(asked))
                verify = f"/v1/login/challenges/{asked}/verify"
                if why == "spent":
                    assert (await browser.post(verify, json={"code": letter.code})).status_code == 200
                if why == "expired":
                    async with site.parts.database.engine.begin() as connection:
                        ended = func.now() - timedelta(seconds=1)
                        await connection.execute(update(challenges).values(expires_at=ended))
                if why == "unknown":
                    asked = str(new_id())
                who = stranger if why == "foreign" else browser
                token = letter.token if why in {"expired", "spent"} else "T" * 43
                path = f"/v1/login/challenges/{asked}"
                calls: Mapping[str, Callable[[], Awaitable[httpx.Response]]] = {
                    "verify": partial(who.post, f"{path}/verify", json={"code": letter.code}),
                    "resend": partial(who.post, f"{path}/resend"),
                    "look": partial(who.get, path),
                    "link": partial(who.post, "/v1/login/links/consume", json={"token": token}),
                }
                await who.get(path)  # the first look takes in how mail gets on
                seen[why] = await _see(site, calls[what])
                answer = await calls[what]()
                told.append(answer.json() if what == "look" else problem(answer, 410, "challenge_closed"))
    _all_alike(seen)
    details = {each.get("detail") or each["state"] for each in told}
    assert len(details) == 1
    assert seen["expired"].writes["audit_events"] == (NOTHING if what == "look" else Written(inserted=1))
