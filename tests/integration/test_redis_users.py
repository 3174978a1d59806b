"""What Redis refuses each service's user, and whoever has no name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from tests.chaos.servers import Server, own_redis
from tests.support.redis import ORIGINS
from tests.support.redis_users import TEMPLATE, as_user, refused, write_users

FACTS, RETRY = "{auth.login}", "{auth.login}:mailer:retry"


@pytest_asyncio.fixture(params=list(ORIGINS))
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """Start a server with the users."""
    running = own_redis(tmp_path, origin=ORIGINS[request.param])
    await running.start()
    yield running
    await running.crash()


async def test_the_mailer_neither_writes_nor_deletes_facts(server: Server) -> None:
    async with Redis.from_url(as_user("auth", server.url)) as auth:
        written = await auth.xadd(FACTS, {"type": "made.up"})
    async with Redis.from_url(as_user("mailer", server.url)) as mailer:
        assert await mailer.xrange(FACTS)
        assert await mailer.xadd(RETRY, {"type": "made.up"})
        for attempt in (
            mailer.xadd(FACTS, {"type": "made.up"}),
            mailer.xdel(FACTS, written),
            mailer.xtrim(FACTS, maxlen=0),
            mailer.delete(FACTS),
            mailer.get("{auth.cache}:generation"),
            mailer.flushall(),
        ):
            with pytest.raises(NoPermissionError):
                await attempt
        with pytest.raises(
            ResponseError, match=r"can't access|ACL failure"
        ):  # a script may do no more than its caller
            await mailer.eval("return redis.call('XDEL', KEYS[1], ARGV[1])", 1, FACTS, written)


async def test_the_auth_service_keeps_its_hands_off_the_mailers_keys(server: Server) -> None:
    async with Redis.from_url(as_user("auth", server.url)) as auth:
        for attempt in (
            auth.xadd(RETRY, {"type": "made.up"}),
            auth.xrange("{auth.login}:mailer:dead"),
            auth.delete("{auth.login}:mailer:held"),
            auth.xgroup_create(FACTS, "mailer", mkstream=True),
            auth.keys("*"),
        ):
            with pytest.raises(NoPermissionError):
                await attempt


async def test_a_refusal_is_on_the_servers_record(server: Server) -> None:
    async with Redis.from_url(server.url) as looking:
        assert await refused(looking) == []
        async with Redis.from_url(as_user("auth", server.url)) as auth:
            with pytest.raises(NoPermissionError):
                await auth.keys("*")
        assert await refused(looking) == ["auth: command keys"]


async def test_a_wrong_password_opens_nothing(server: Server) -> None:
    async with Redis.from_url(as_user("auth", server.url).replace("of-auth", "of-nobody")) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.ping()


@pytest.mark.parametrize("kind", list(ORIGINS))
async def test_whoever_has_no_name_may_only_ping(kind: str, tmp_path: Path) -> None:
    server = own_redis(tmp_path, origin=ORIGINS[kind])
    users = write_users(tmp_path)
    nameless = TEMPLATE.read_text("utf-8").splitlines()[0]
    users.write_text("\n".join([nameless, *users.read_text("utf-8").splitlines()[1:]]) + "\n", "utf-8")
    await server.start()
    try:
        async with Redis.from_url(server.url) as anybody:
            assert await anybody.ping()
            for attempt in (anybody.get("x"), anybody.info(), anybody.publish("x", "y")):
                with pytest.raises(NoPermissionError):
                    await attempt
    finally:
        await server.crash()
