"""Containers die and restart under load, and no mail is lost."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.compose.project import Project, docker
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

MAILERS = 3
PEOPLE = 300
AT_ONCE = 8
IN_HAND = 16
"""How many mails one mailer sends at once: so many may go out twice when it is killed."""


@pytest.fixture
def mailers(project: Project) -> Iterator[list[str]]:
    """Lend three mailers; afterwards there is one again."""
    project.run_services("mailer", "--scale", f"mailer={MAILERS}")
    yield project.containers("mailer")
    project.run_services("mailer", "--scale", "mailer=1")


async def test_a_killed_mailer_and_a_restarted_redis_lose_no_mail(
    project: Project, mailers: list[str]
) -> None:
    assert len(mailers) == MAILERS
    people = {f"p{number}@load.example.org" for number in range(PEOPLE)}
    asked: list[str] = []

    async def when(share: float, do: Callable[[], Any]) -> None:
        await until(lambda: len(asked) >= share * PEOPLE, within=120)
        await asyncio.to_thread(do)

    async with asyncio.TaskGroup() as group:
        group.create_task(when(0.3, lambda: docker("kill", "--signal", "KILL", mailers[0])))
        group.create_task(when(0.5, project.restart_redis))
        group.create_task(_register(project, people, asked))

    async with httpx.AsyncClient(
        base_url=project.environment["INBOX_URL"], trust_env=False, timeout=30
    ) as inbox:

        async def everyone_has_mail() -> bool:
            return people <= set(await _arrived(inbox))

        await until(everyone_has_mail, within=180, every=1)
        arrived = await _arrived(inbox)

    def recorded() -> bool:
        return _states(project, people) == {"sent": PEOPLE}

    await until(recorded, within=60, every=1)
    assert {person: len(set(arrived[person])) for person in people} == dict.fromkeys(people, 1)
    assert sum(len(arrived[person]) for person in people) <= PEOPLE + IN_HAND


def test_redis_has_refused_nothing_to_the_services(project: Project) -> None:
    assert project.refused() == set()


def test_a_stopped_service_finishes_and_exits_with_0(project: Project) -> None:
    try:
        project.compose("stop", "auth", "mailer", within=120)
        ended = {
            name: told["State"]["ExitCode"]
            for name, told in project.inspected().items()
            if name.startswith(("auth-1", "mailer-1"))
        }
        assert ended == {"auth-1": 0, "mailer-1": 0}
    finally:
        project.run_services("auth", "mailer")


async def _register(project: Project, people: set[str], asked: list[str]) -> None:
    """Have everyone register, a few at once; each must be answered, whatever has just died."""
    waiting = iter(sorted(people))

    async def register_some(client: httpx.AsyncClient) -> None:
        for person in waiting:
            body = {"email": person, "name": "Someone", "transport": "bearer"}
            answer = await client.post("/v1/registrations", json=body)
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
            asked.append(person)

    auth = httpx.AsyncClient(base_url=project.environment["AUTH_URL"], trust_env=False, timeout=30)
    async with auth, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(register_some(auth))


async def _arrived(inbox: httpx.AsyncClient) -> dict[str, list[str]]:
    """Tell the Message-IDs of what has arrived, by who got it."""
    found: dict[str, list[str]] = {}
    answer = await inbox.get("/api/v1/messages", params={"limit": 5000})
    for mail in answer.json()["messages"]:
        for person in mail["To"]:
            found.setdefault(person["Address"], []).append(mail["MessageID"])
    return found


def _states(project: Project, people: set[str]) -> Counter[str]:
    """Count the ledger's rows of these people by state."""
    rows = project.psql(
        "SELECT coalesce(json_agg(json_build_array(recipient, state)), '[]') FROM mailer.deliveries"
    )
    return Counter(state for recipient, state in json.loads(rows) if recipient in people)
