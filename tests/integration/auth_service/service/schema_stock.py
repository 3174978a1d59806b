"""What is there to be asked about: laid in before schemathesis asks, so that it meets more than refusals."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from uuid import UUID

from contracts.envelope import unseal
from contracts.sealing import LoginCode, LoginLink
from tests.integration.auth_service.door import BINDING, Door
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service

ASKING = 1500
"""More people than there are calls: each call sends another one."""

Ready = dict[str, str]
"""A challenge, with what answers it, by the names that calls have for them."""


async def lay_in(service: Service, role: str | None) -> dict[str, object]:
    """Settle who asks and who is asked about; gives what `schema_hooks` reads."""
    async with service.postgres() as connection:
        asking = await settle(connection, ASKING, role=role) if role else []
        kinds = [
            await settle(connection, 60, status=status)
            for status in ("pending", "active", "suspended", "rejected")
        ]
        answering, moving = await settle(connection, 30), await settle(connection, 15 if role else 0)
    async with service.door() as door:
        return {
            "origin": service.url,
            "binding": BINDING,
            "sessions": {each.token: str(each.session_id) for each in asking},
            "users": [str(each.id) for each in chain(*zip(*kinds, strict=True))],
            "challenges": await _challenges(door, answering),
            "moves": await _moves(service, door, moving),
        }


async def _challenges(door: Door, people: Sequence[Person]) -> list[Ready]:
    """Ask for mails, and read them before they are mailed."""
    asking = replace(door, rules=replace(door.rules, method="otp_and_link"))
    opened = [(await asking.ask(each.email)).id for each in people]
    mailed = await _mailed(door)
    return [mailed[challenge_id] for challenge_id in opened]


async def _moves(service: Service, door: Door, people: Sequence[Person]) -> list[Ready]:
    """Ask for other addresses, each from a session of one's own, which alone can answer."""
    asked = []
    async with service.client() as client:
        for person in people:
            body = {"email": f"new-{person.email}"}
            answer = await client.post("/v1/me/email", json=body, headers=person.headers)
            assert answer.status_code == 202, answer.text
            asked.append((person, answer.json()))
    mailed = await _mailed(door)
    return [
        mailed[UUID(told["challenge_id"])] | {"session": person.token, "binding": told["binding"]}
        for person, told in asked
    ]


async def _mailed(door: Door) -> dict[UUID, Ready]:
    """Open every box that the mailer gets for a challenge."""
    found = {}
    for event in await door.events():
        challenge_id = getattr(event.data, "challenge_id", None)
        if challenge_id is not None:
            box = unseal(event, event.contents, sealer=door.sealer)
            assert isinstance(box, LoginCode | LoginLink)
            code, link = (each.get_secret_value() if each else "" for each in (box.code, box.link))
            found[challenge_id] = {
                "challenge_id": str(challenge_id),
                "code": code,
                "token": link.partition("#")[2],
            }
    return found
