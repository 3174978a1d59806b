"""From a stranger to someone who signs out, over HTTP, with no Redis anywhere."""

from contracts.events import AccountApproved, OtpRequested, UserRegistered
from tests.integration.auth_service.api.site import Site, problem


async def test_someone_registers_is_approved_signs_in_and_out(site: Site) -> None:
    root = await site.door.admin("root@example.org")
    async with site.browser() as ada, site.browser() as admin:
        asked = await ada.post("/v1/registrations", json={"email": "Ada@Example.org", "name": "Ada Lovelace"})
        assert asked.status_code == 202
        verify = f"/v1/login/challenges/{asked.json()['challenge_id']}/verify"
        code = await site.door.mailed_code_of(asked.json()["challenge_id"])
        assert len(code) == asked.json()["code_length"] == 6

        problem(await ada.post(verify, json={"code": f"{code[:3]} {code[3:]}"}), 403, "account_pending")
        problem(await ada.post(verify, json={"code": code}), 410, "challenge_closed")
        problem(await ada.get("/v1/me"), 401, "unauthenticated")

        await site.sign_in(admin, "root@example.org")
        pending = (await admin.get("/v1/admin/users", params={"status": "pending"})).json()
        (waiting,) = pending["users"]
        assert (waiting["name"], waiting["email"]) == ("Ada Lovelace", "ada@example.org")
        for _ in range(2):
            approved = await admin.post(f"/v1/admin/users/{waiting['id']}/approve")
            assert approved.status_code == 200
            assert approved.json()["status"] == "active"
            assert approved.json()["decided_by"] == str(root.id)

        signed_in = await site.sign_in(ada, "ada@example.org")
        assert signed_in["user"]["name"] == "Ada Lovelace"
        assert "token" not in signed_in["session"]
        me = await ada.get("/v1/me")
        assert (me.status_code, me.json()["email"]) == (200, "ada@example.org")

        out = await ada.delete("/v1/sessions/current")
        assert (out.status_code, out.content) == (204, b"")
        problem(await ada.get("/v1/me"), 401, "unauthenticated")
    told = [type(event) for event in await site.door.events()]
    assert told.count(AccountApproved) == told.count(UserRegistered) == 1
    assert told.count(OtpRequested) == 3


async def test_a_program_does_it_with_tokens_and_no_origin(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.client() as program:
        signed = await site.sign_in_program(program, "ada@example.org")
        assert not program.cookies
        assert (await program.get("/v1/me", headers=signed)).json()["name"] == "Ada"
        assert (await program.delete("/v1/sessions/current", headers=signed)).status_code == 204
        ended = await program.get("/v1/me", headers=signed)
        problem(ended, 401, "unauthenticated")
        assert "invalid_token" in ended.headers["www-authenticate"]
