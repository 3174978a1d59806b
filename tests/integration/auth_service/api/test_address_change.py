import pytest

from contracts.events import AddressChanged
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.api.visits import visiting
from tests.integration.auth_service.door import wrong
from tests.integration.auth_service.presences import present

EMAIL, VERIFY = "/v1/me/email", "/v1/me/email/verify"
NEW = "countess@example.com"


async def test_someone_moves_and_stays_signed_in_here_alone(site: Site) -> None:
    async with visiting(site) as elsewhere, visiting(site) as ada:
        asked = await ada.browser.post(EMAIL, json={"email": "Countess@Example.com"})
        assert asked.status_code == 202, asked.text
        told = asked.json()
        assert told.keys() == {"challenge_id", "method", "code_length", "expires_at", "resend_at"}
        assert told["method"] == "otp"
        code = await site.door.mailed_code_of(told["challenge_id"])
        answer = {"challenge_id": told["challenge_id"], "code": f"{code[:3]} {code[3:]}"}
        moved = await ada.browser.post(VERIFY, json=answer)
        assert (moved.status_code, moved.json()["email"]) == (200, NEW)
        assert (await ada.browser.get("/v1/me")).json() == moved.json()
        problem(await elsewhere.browser.get("/v1/me"), 401, "unauthenticated")
        problem(await ada.browser.post(VERIFY, json=answer), 410, "challenge_closed")
    async with site.browser() as later:
        assert (await site.sign_in(later, NEW))["user"]["id"] == str(ada.user.id)


async def test_free_and_taken_addresses_are_answered_alike(site: Site) -> None:
    await present(site.parts.database, "grace@example.org")
    async with visiting(site) as ada:
        answers = [
            await ada.browser.post(EMAIL, json={"email": address})
            for address in ("nobody@example.org", "grace@example.org", "ada@example.org")
        ]
    free, *taken = answers
    for answer in taken:
        assert answer.status_code == free.status_code == 202
        assert answer.json().keys() == free.json().keys()
        assert answer.headers.keys() == free.headers.keys()
        assert len(answer.content) == len(free.content)


async def test_a_wrong_code_tells_how_many_are_left_and_then_it_is_closed(site: Site) -> None:
    async with visiting(site) as ada:
        challenge_id = (await ada.browser.post(EMAIL, json={"email": NEW})).json()["challenge_id"]
        code = await site.door.mailed_code_of(challenge_id)
        left = []
        for _ in range(5):
            answer = await ada.browser.post(VERIFY, json={"challenge_id": challenge_id, "code": wrong(code)})
            left.append(problem(answer, 400, "invalid_code")["attempts_left"])
        assert left == [4, 3, 2, 1, 0]
        answer = await ada.browser.post(VERIFY, json={"challenge_id": challenge_id, "code": code})
        problem(answer, 410, "challenge_closed")


async def test_the_code_counts_in_the_session_and_in_the_browser_that_asked(site: Site) -> None:
    async with visiting(site) as ada, visiting(site) as other_browser, site.browser() as signed_out:
        challenge_id = (await ada.browser.post(EMAIL, json={"email": NEW})).json()["challenge_id"]
        answer = {"challenge_id": challenge_id, "code": await site.door.mailed_code_of(challenge_id)}
        problem(await other_browser.browser.post(VERIFY, json=answer), 410, "challenge_closed")
        binding = site.parts.door.cookies.binding
        signed_out.cookies.set(binding, ada.browser.cookies[binding])
        problem(await signed_out.post(VERIFY, json=answer), 401, "unauthenticated")
        unknown = answer | {"challenge_id": str(new_id())}
        problem(await ada.browser.post(VERIFY, json=unknown), 410, "challenge_closed")
        assert (await ada.browser.post(VERIFY, json=answer)).status_code == 200


async def test_neither_code_is_good_for_the_others_call(site: Site) -> None:
    async with visiting(site) as ada:
        sign_in = (await ada.browser.post("/v1/login/challenges", json={"email": "ada@example.org"})).json()
        moving = (await ada.browser.post(EMAIL, json={"email": NEW})).json()
        codes = {
            each["challenge_id"]: await site.door.mailed_code_of(each["challenge_id"])
            for each in (sign_in, moving)
        }
        wrong_call = {"challenge_id": sign_in["challenge_id"], "code": codes[sign_in["challenge_id"]]}
        problem(await ada.browser.post(VERIFY, json=wrong_call), 410, "challenge_closed")
        answer = await ada.browser.post(
            f"/v1/login/challenges/{moving['challenge_id']}/verify",
            json={"code": codes[moving["challenge_id"]]},
        )
        problem(answer, 410, "challenge_closed")
        assert (await ada.browser.get("/v1/me")).json()["email"] == "ada@example.org"


@pytest.mark.parametrize("path", [EMAIL, VERIFY])
async def test_a_page_elsewhere_moves_nobody(site: Site, path: str) -> None:
    body = {"email": NEW} if path == EMAIL else {"challenge_id": str(new_id()), "code": "123456"}
    async with visiting(site, origin="https://evil.example") as ada:
        answer = await ada.browser.post(path, json=body)
        problem(answer, 403, "origin_refused")
        assert "set-cookie" not in answer.headers
    assert await site.door.events() == []


async def test_a_program_moves_with_its_token_and_binding(site: Site) -> None:
    ada = await present(site.parts.database)
    async with site.client(headers=ada.bearer) as program:
        asked = await program.post(EMAIL, json={"email": NEW})
        assert "set-cookie" not in asked.headers
        told = asked.json()
        answer = {
            "challenge_id": told["challenge_id"],
            "code": await site.door.mailed_code_of(told["challenge_id"]),
        }
        problem(await program.post(VERIFY, json=answer), 410, "challenge_closed")
        binding = {"Porter-Binding": told["binding"]}
        assert (await program.post(VERIFY, json=answer, headers=binding)).json()["email"] == NEW
    assert any(isinstance(event, AddressChanged) for event in await site.door.events())


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (EMAIL, {"email": "ada"}, "email"),
        (EMAIL, {}, "email"),
        (VERIFY, {"challenge_id": "42", "code": "123456"}, "challenge_id"),
        (VERIFY, {"challenge_id": str(new_id()), "code": "12"}, "code"),
        (VERIFY, {"challenge_id": str(new_id()), "code": "123456", "email": NEW}, "body"),
    ],
)
async def test_a_wrong_field_is_named(site: Site, path: str, body: dict[str, str], field: str) -> None:
    async with visiting(site) as ada:
        told = problem(await ada.browser.post(path, json=body), 422, "invalid_request")
    assert [error["field"] for error in told["errors"]] == [field]
