"""`mailer-service` as operators run it: its probes, its settings, its end."""

import asyncio
import re
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from contracts.sealing import new_key
from devstack.ports import free_port
from tests.support import commands
from tests.support.inbox import Inbox
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.waiting import until

MAILER = "mailer_service.cli"


@pytest.fixture
def settings(postgres_url: str, redis_servers: Callable[[str], str], inbox: Inbox) -> dict[str, str]:
    """Give the mailer all that it needs."""
    return {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_servers("valkey"),
        "SEALING_KEYS": new_key(),
        "PUBLIC_URL": "https://login.example.org",
        "MAILER_SMTP_URL": inbox.url,
        "MAILER_FROM": "Porter <porter@example.org>",
        "MAILER_PORT": str(free_port()),
    }


async def _get(settings: dict[str, str], path: str) -> httpx.Response | None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['MAILER_PORT']}") as client:
        try:
            return await client.get(path)
        except httpx.TransportError:
            return None


async def _until_it_answers(settings: dict[str, str]) -> httpx.Response:
    health = await until(lambda: _get(settings, "/healthz"), within=20)
    assert health is not None
    return health


async def test_it_answers_its_probes_and_stops_clean(settings: dict[str, str], tmp_path: Path) -> None:
    async with commands.running(MAILER, "run", folder=tmp_path, settings=settings) as mailer:
        health = await _until_it_answers(settings)
        assert health.status_code == 200
        assert health.json() == {"status": "alive", "paused_by": []}

        async def the_group_is_there() -> bool:
            async with Redis.from_url(settings["REDIS_URL"]) as client:
                return bool(await client.exists("{auth.login}"))

        await until(the_group_is_there, within=20)
        metrics = await _get(settings, "/metrics")
        assert metrics is not None
        for series in (
            "mailer_stream_lag",
            "mailer_stream_pending",
            "mailer_oldest_unsent_seconds",
            "mailer_delayed",
            "mailer_dead_letters",
            "mailer_smtp_breaker_open",
            "mailer_duplicates_suppressed_total",
        ):
            assert f"\n{series}" in metrics.text, series

        nothing = await _get(settings, "/elsewhere")
        assert nothing is not None
        assert nothing.status_code == 404

        mailer.send_signal(signal.SIGTERM)
        assert await mailer.wait() == 0


async def test_it_waits_for_redis_alive_and_works_once_it_comes(
    settings: dict[str, str], tmp_path: Path
) -> None:
    late = OwnRedis("valkey", tmp_path)
    settings["REDIS_URL"] = late.url
    async with commands.running(MAILER, "run", folder=tmp_path, settings=settings) as mailer:
        health = await _until_it_answers(settings)
        assert health.status_code == 200
        metrics = await _get(settings, "/metrics")
        assert metrics is not None
        assert metrics.status_code == 200

        await asyncio.to_thread(late.start)
        try:

            async def it_shows_life() -> bool:
                async with Redis.from_url(late.url) as client:
                    return bool(await client.exists("{auth.accounts}:mailer:alive"))

            await until(it_shows_life, within=30)
            mailer.send_signal(signal.SIGTERM)
            assert await mailer.wait() == 0
        finally:
            late.kill()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
async def test_what_it_saw_of_streams_is_told_only_while_redis_answers(
    settings: dict[str, str], tmp_path: Path, end: signal.Signals
) -> None:
    with own_redis("valkey", tmp_path) as redis:
        settings["REDIS_URL"] = redis.url

        async def told() -> set[str]:
            metrics = await _get(settings, "/metrics")
            assert metrics is not None
            assert metrics.status_code == 200
            return set(re.findall(r"^(mailer_\w+)\{stream=\"login\"\}", metrics.text, re.MULTILINE))

        async with commands.running(MAILER, "run", folder=tmp_path, settings=settings) as mailer:
            await _until_it_answers(settings)
            seen = {
                "mailer_stream_lag",
                "mailer_stream_pending",
                "mailer_stream_entries",
                "mailer_oldest_unsent_seconds",
                "mailer_delayed",
                "mailer_dead_letters",
            }

            async def all_is_told() -> bool:
                return await told() == seen

            async def nothing_is_told() -> bool:
                return await told() == set()

            await until(all_is_told, within=20)
            redis.signal(end)
            await until(nothing_is_told, within=20)
            if end is signal.SIGSTOP:
                redis.signal(signal.SIGCONT)
            else:
                redis.kill()
                await asyncio.to_thread(redis.start)
            await until(all_is_told, within=20)
            mailer.send_signal(signal.SIGTERM)
            assert await mailer.wait() == 0


async def test_it_stops_clean_though_redis_never_came(settings: dict[str, str], tmp_path: Path) -> None:
    settings["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    async with commands.running(MAILER, "run", folder=tmp_path, settings=settings) as mailer:
        await _until_it_answers(settings)

        mailer.send_signal(signal.SIGTERM)

        assert await mailer.wait() == 0


async def test_a_taken_port_stops_the_start_with_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    async with commands.running(MAILER, "run", folder=tmp_path, settings=settings):
        await _until_it_answers(settings)

        second = await commands.run(MAILER, "run", folder=tmp_path, settings=settings)

    assert second.status == 2
    (line,) = second.errors.splitlines()
    assert line.startswith(f"MAILER_PORT: {settings['MAILER_PORT']}: is taken: ")


async def test_a_wrong_setting_stops_the_start_with_one_line(
    settings: dict[str, str], tmp_path: Path
) -> None:
    ended = await commands.run(
        MAILER, "run", folder=tmp_path, settings=settings | {"MAILER_SMTP_URL": "mail.example.org"}
    )

    assert ended.status == 2
    (line,) = ended.errors.splitlines()
    assert line.startswith("MAILER_SMTP_URL: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILER_HOST", "nowhere.invalid"),
        ("MAILER_HOST", "192.0.2.1"),
        ("MAILER_SMTP_CA_FILE", "/nowhere.pem"),
    ],
)
async def test_what_cannot_be_used_is_named_with_the_mend(
    settings: dict[str, str], tmp_path: Path, name: str, value: str
) -> None:
    ended = await commands.run(MAILER, "run", folder=tmp_path, settings=settings | {name: value})

    assert ended.status == 2
    (line,) = ended.errors.splitlines()
    assert line.startswith(f"{name}: {value}")
    assert "set it to" in line


async def test_migrating_without_postgres_is_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    settings["DATABASE_URL"] = f"postgresql://porter@127.0.0.1:{free_port()}/porter"

    ended = await commands.run(MAILER, "migrate", folder=tmp_path, settings=settings)

    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith("DATABASE_URL: ")


async def test_migrating_twice_is_fine(
    settings: dict[str, str], empty_postgres_url: str, tmp_path: Path
) -> None:
    settings["DATABASE_URL"] = empty_postgres_url
    for _ in range(2):
        ended = await commands.run(MAILER, "migrate", folder=tmp_path, settings=settings)
        assert (ended.status, ended.errors) == (0, "")
