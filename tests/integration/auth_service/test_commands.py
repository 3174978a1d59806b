"""The command `auth-service`, run as operators run it."""

import re
import socket
from pathlib import Path

import asyncpg
import pytest

from devstack.ports import free_port
from tests.integration.auth_service.process import environment, run

NOWHERE = "postgresql://porter@127.0.0.1:1/porter"
NO_REDIS = "redis://127.0.0.1:1/0"


async def test_new_keys_are_lines_that_a_start_accepts(tmp_path: Path) -> None:
    keys = await run("keys", "new", folder=tmp_path, settings={})
    assert keys.status == 0
    made = dict(line.split("=", 1) for line in keys.output.splitlines())
    assert made.keys() == {"SEALING_KEYS", "AUTH_PEPPERS"}
    tried = await run("migrate", folder=tmp_path, settings=environment(NOWHERE, NO_REDIS) | made)
    assert (tried.status, tried.errors.count("\n")) == (1, 1)
    assert "DATABASE_URL" in tried.errors


@pytest.mark.parametrize("words", [("serve",), ("relay",), ("migrate",), ("admin", "create", "a@b.org")])
async def test_without_settings_nothing_starts_and_each_missing_one_is_a_line(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = await run(*words, folder=tmp_path, settings={})
    assert (ended.status, ended.output) == (2, "")
    named = [line.partition(":")[0] for line in ended.errors.splitlines()]
    assert named == ["DATABASE_URL", "REDIS_URL", "SEALING_KEYS", "PUBLIC_URL", "AUTH_PEPPERS"]


async def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    settings = environment(NOWHERE, NO_REDIS, AUTH_CODE_DIGITS="4")
    ended = await run("serve", folder=tmp_path, settings=settings)
    assert ended.status == 2
    assert re.fullmatch(r"AUTH_CODE_DIGITS: .*: set it to 6, 7 or 8\n", ended.errors)


async def test_migrating_twice_is_fine(tmp_path: Path, empty_postgres_url: str) -> None:
    settings = environment(empty_postgres_url, NO_REDIS)
    for _ in range(2):
        ended = await run("migrate", folder=tmp_path, settings=settings)
        assert (ended.status, ended.errors) == (0, "")


async def test_an_administrator_is_made_and_made_again(tmp_path: Path, postgres_url: str) -> None:
    settings = environment(postgres_url, NO_REDIS)
    for _ in range(2):
        ended = await run(
            *("admin", "create", "Root@Example.org", "--name", "Root"), folder=tmp_path, settings=settings
        )
        assert (ended.status, ended.errors) == (0, "")
        assert "root@example.org is an administrator" in ended.output
    operator = await asyncpg.connect(postgres_url)
    noted = await operator.fetch("SELECT action, actor_id, client_address FROM auth.audit_events")
    await operator.close()
    assert [tuple(entry) for entry in noted] == [("administrator_made", None, None)]


async def test_without_tables_no_administrator_is_made_and_the_line_names_the_command(
    tmp_path: Path, empty_postgres_url: str
) -> None:
    settings = environment(empty_postgres_url, NO_REDIS)
    ended = await run("admin", "create", "root@example.org", folder=tmp_path, settings=settings)
    line = "auth-service: the database has no tables yet: run 'auth-service migrate'\n"
    assert (ended.status, ended.errors) == (1, line)


async def test_nobody_is_made_of_what_is_no_address(tmp_path: Path) -> None:
    settings = environment(NOWHERE, NO_REDIS)
    ended = await run("admin", "create", "root", folder=tmp_path, settings=settings)
    assert (ended.status, ended.errors) == (
        2,
        "auth-service: EMAIL: needs an @ between name and domain, as in ada@example.org\n",
    )


@pytest.mark.parametrize("which", ["AUTH_PORT", "AUTH_INTERNAL_PORT"])
async def test_a_port_that_is_taken_is_one_line(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        settings = environment(NOWHERE, NO_REDIS) | {which: str(port)}
        ended = await run("serve", folder=tmp_path, settings=settings)
    assert ended.status == 1
    assert re.fullmatch(rf"auth-service: cannot listen on 127\.0\.0\.1 port {port}: .+\n", ended.errors)
