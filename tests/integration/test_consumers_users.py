"""The users for other consumers, by the lines of their page: told to Redis, and written in its file."""

import shlex
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from tests.chaos.servers import own_redis
from tests.support.pages import blocks, shell_words
from tests.support.redis import ORIGINS

PAGE = "write-your-own-consumer.md"
PASSWORDS = {"analytics": "a-long-password", "observer": "another-password"}


@pytest.mark.parametrize("kind", list(ORIGINS))
async def test_a_user_in_the_file_may_do_what_one_made_by_the_command_may(kind: str, tmp_path: Path) -> None:
    server = own_redis(tmp_path, origin=ORIGINS[kind])
    with (tmp_path / "users.acl").open("a", encoding="utf-8") as users:
        users.writelines(_line(name) for name in PASSWORDS)
    await server.start()
    try:
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            for name, password in PASSWORDS.items():
                by_file = await redis.acl_getuser(name)
                async with Redis.from_url(server.url, username=name, password=password) as consumer:
                    assert await consumer.ping()
                await redis.acl_deluser(name)
                await _tell(redis, name)
                assert await redis.acl_getuser(name) == by_file
    finally:
        await server.crash()


def _line(name: str) -> str:
    """Give a user's line for the file, with the hash of its password."""
    (line,) = (line for line in blocks(PAGE, "text") if line.startswith(f"user {name} "))
    assert line.count("SHA256") == 1
    return line.replace("SHA256", sha256(PASSWORDS[name].encode()).hexdigest())


async def _tell(redis: "Redis", name: str) -> None:
    """Make a user by the page's command."""
    _, *words = shlex.split(shell_words(PAGE, f"redis-cli ACL SETUSER {name}"))
    await cast("Any", redis).execute_command(*words)
