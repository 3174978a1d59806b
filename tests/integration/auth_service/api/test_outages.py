import pytest
from structlog.testing import capture_logs

from auth_service.api import sessions
from devstack.ports import free_port
from tests.integration.auth_service.api.site import Site, open_site, problem


async def test_without_postgres_calls_say_to_try_again() -> None:
    nowhere = f"postgresql://porter@127.0.0.1:{free_port()}/porter"
    async with open_site(nowhere) as site, site.browser() as browser:
        answer = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        ready = await browser.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "unready")
        assert ready.json()["postgres"] == "away"
        assert (await browser.get("/healthz")).status_code == 200
        session = {"Cookie": f"__Host-porter_session={'A' * 43}"}
        assert (await browser.get("/login", headers=session)).status_code == 200


async def test_without_tables_the_service_is_unready_and_names_the_command_that_makes_them(
    empty_postgres_url: str,
) -> None:
    async with open_site(empty_postgres_url) as site, site.browser() as browser:
        with capture_logs() as lines:
            answer = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        problem(answer, 503, "unavailable")
        ready = await browser.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "unready")
        assert ready.json()["postgres"] == "not migrated"
    (told,) = (line for line in lines if line["log_level"] != "info")
    assert (told["event"], told["mend"]) == ("postgres_not_migrated", "run 'auth-service migrate'")


async def test_without_redis_the_service_is_degraded_and_answers(site: Site) -> None:
    async with site.browser() as browser:
        ready = await browser.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "degraded", "postgres": "up", "redis": "away"}
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        assert asked.status_code == 202


async def test_with_both_it_is_ready(postgres_url: str, redis_url: str) -> None:
    async with open_site(postgres_url, redis_url) as site, site.client() as client:
        ready = await client.get("/readyz")
    assert ready.json() == {"status": "ready", "postgres": "up", "redis": "up"}


async def test_a_surprise_is_our_fault_and_is_logged_without_what_it_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object, **__: object) -> bool:
        raise ZeroDivisionError("ada@example.org typed 123456")

    monkeypatch.setattr(sessions, "sign_out", stumble)
    await site.door.member("ada@example.org")
    async with site.client() as client:
        signed = await site.sign_in_program(client, "ada@example.org")
        with capture_logs() as lines:
            told = problem(await client.delete("/v1/sessions/current", headers=signed), 500, "internal_error")
    (failed,) = (line for line in lines if line["event"] == "request_failed")
    assert failed["error"] == "ZeroDivisionError"
    assert failed["frames"][-1].endswith(" stumble")
    assert "ada@" not in str(failed)
    assert told["trace_id"]
