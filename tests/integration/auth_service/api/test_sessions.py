from datetime import timedelta

import httpx
import pytest

from auth_service.model.audit import Action
from contracts.events import SessionsRevoked
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import ORIGIN, Site, problem
from tests.integration.auth_service.api.visits import visiting
from tests.integration.auth_service.presences import age, audited, present, set_status

SESSIONS = "/v1/sessions"


async def _listed(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(SESSIONS)
    assert answer.status_code == 200, answer.text
    return [session["id"] for session in answer.json()["sessions"]]


async def test_sessions_are_listed_with_what_tells_them_apart(site: Site) -> None:
    before = await present(site.parts.database)
    async with visiting(site) as ada:
        current, other = (await ada.browser.get(SESSIONS)).json()["sessions"]
    assert current == {
        "id": str(ada.session.id),
        "current": True,
        "method": "otp",
        "device": "Firefox on Linux",
        "client_address": "203.0.113.7",
        "created_at": ada.session.created_at.isoformat().replace("+00:00", "Z"),
        "last_seen_at": ada.session.last_seen_at.isoformat().replace("+00:00", "Z"),
        "expires_at": ada.session.expires_at.isoformat().replace("+00:00", "Z"),
    }
    assert (other["id"], other["current"]) == (str(before.session.id), False)


async def test_sessions_that_are_over_and_those_of_others_are_not_listed(site: Site) -> None:
    database, rules = site.parts.database, site.parts.door.rules
    idle, over, _ = [
        await present(database, address)
        for address in ("ada@example.org", "ada@example.org", "grace@example.org")
    ]
    await age(database, idle.session.id, last_seen_at=rules.session_idle + timedelta(seconds=1))
    await age(database, over.session.id, expires_at=timedelta(seconds=1))
    async with visiting(site) as ada:
        assert await _listed(ada.browser) == [str(ada.session.id)]


@pytest.mark.parametrize("column", ["last_seen_at", "expires_at"])
async def test_a_session_that_idled_out_or_ended_opens_nothing(site: Site, column: str) -> None:
    ago = {"last_seen_at": site.parts.door.rules.session_idle, "expires_at": timedelta()}[column]
    async with visiting(site) as ada:
        await age(site.parts.database, ada.session.id, **{column: ago + timedelta(seconds=1)})
        answer = await ada.browser.get(SESSIONS)
    problem(answer, 401, "unauthenticated")
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_a_session_elsewhere_is_ended_at_once(site: Site) -> None:
    async with visiting(site) as ada, visiting(site) as elsewhere:
        answer = await ada.browser.delete(f"{SESSIONS}/{elsewhere.session.id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "set-cookie" not in answer.headers
        problem(await elsewhere.browser.get("/v1/me"), 401, "unauthenticated")
        problem(await ada.browser.delete(f"{SESSIONS}/{elsewhere.session.id}"), 404, "session_not_found")
        assert await _listed(ada.browser) == [str(ada.session.id)]


async def test_the_session_one_is_in_can_be_ended_by_its_id_too(site: Site) -> None:
    async with visiting(site) as ada:
        answer = await ada.browser.delete(f"{SESSIONS}/{ada.session.id}")
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        problem(await ada.browser.get("/v1/me"), 401, "unauthenticated")


async def test_anothers_session_and_one_that_never_was_are_refused_alike_and_noted(site: Site) -> None:
    async with visiting(site) as ada, visiting(site, "grace@example.org") as grace:
        tried = [grace.session.id, new_id()]
        answers = [await ada.browser.delete(f"{SESSIONS}/{session_id}") for session_id in tried]
        told = [problem(answer, 404, "session_not_found") for answer in answers]
        assert told[0]["detail"] == told[1]["detail"]
        assert answers[0].headers.keys() == answers[1].headers.keys()
        assert await _listed(grace.browser) == [str(grace.session.id)]
    noted = await audited(site.parts.database, Action.ACCESS_REFUSED)
    assert [entry["session_id"] for entry in noted] == [str(each) for each in tried]
    assert {entry["actor"] for entry in noted} == {ada.user.id}


async def test_everywhere_else_is_signed_out_at_once(site: Site) -> None:
    async with visiting(site) as ada, visiting(site) as second, visiting(site) as third:
        answer = await ada.browser.post(f"{SESSIONS}/revoke-others")
        assert (answer.status_code, answer.json()) == (200, {"revoked": 2})
        for other in (second, third):
            problem(await other.browser.get("/v1/me"), 401, "unauthenticated")
        assert (await ada.browser.post(f"{SESSIONS}/revoke-others")).json() == {"revoked": 0}
        assert await _listed(ada.browser) == [str(ada.session.id)]


async def test_each_ending_is_told_with_its_trace_and_place(site: Site) -> None:
    async with visiting(site) as ada:
        answer = await ada.browser.delete(f"{SESSIONS}/current")
    (event,) = [event for event in await site.door.events() if isinstance(event, SessionsRevoked)]
    assert event.data.reason == "signed_out"
    assert event.traceparent is not None
    assert event.traceparent.split("-")[1] == answer.headers["porter-trace-id"]
    (noted,) = await audited(site.parts.database, Action.SIGNED_OUT)
    assert noted["client_address"] == "127.0.0.1"


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", f"{ORIGIN}.evil.example"])
async def test_a_page_elsewhere_ends_nothing(site: Site, origin: str | None) -> None:
    async with visiting(site) as other, visiting(site, origin=origin) as ada:
        for method, path in (
            ("DELETE", f"{SESSIONS}/{other.session.id}"),
            ("DELETE", f"{SESSIONS}/{ada.session.id}"),
            ("DELETE", f"{SESSIONS}/current"),
            ("POST", f"{SESSIONS}/revoke-others"),
        ):
            problem(await ada.browser.request(method, path), 403, "origin_refused")
        assert len(await _listed(ada.browser)) == 2
    assert await site.door.events() == []


async def test_a_program_needs_no_origin(site: Site) -> None:
    ada, other = await present(site.parts.database), await present(site.parts.database)
    async with site.client(headers=ada.bearer) as program:
        assert (await program.delete(f"{SESSIONS}/{other.session.id}")).status_code == 204
        assert (await program.post(f"{SESSIONS}/revoke-others")).json() == {"revoked": 0}
        assert (await program.delete(f"{SESSIONS}/current")).status_code == 204
        problem(await program.get(SESSIONS), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", SESSIONS),
        ("DELETE", f"{SESSIONS}/{new_id()}"),
        ("DELETE", f"{SESSIONS}/current"),
        ("POST", f"{SESSIONS}/revoke-others"),
    ],
)
async def test_who_is_suspended_is_refused_by_the_very_next_request(
    site: Site, method: str, path: str
) -> None:
    async with visiting(site) as ada:
        assert (await ada.browser.get(SESSIONS)).status_code == 200
        await set_status(site.parts.database, ada.user.id, "suspended")
        problem(await ada.browser.request(method, path), 401, "unauthenticated")


async def test_nothing_is_under_what_is_no_id(site: Site) -> None:
    async with visiting(site) as ada:
        problem(await ada.browser.delete(f"{SESSIONS}/mine"), 404, "not_found")
