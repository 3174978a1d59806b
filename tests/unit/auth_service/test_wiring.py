from pydantic import PostgresDsn, SecretStr

from auth_service.model.peppers import new_pepper
from auth_service.settings import AuthSettings
from auth_service.wiring import assemble
from contracts.sealing import new_key


async def test_the_client_for_redis_repeats_nothing_and_waits_for_a_bounded_time() -> None:
    settings = AuthSettings(
        database_url=PostgresDsn("postgresql://porter@localhost/porter"),
        redis_url=SecretStr("redis://localhost:6379/0"),
        sealing_keys=(SecretStr(new_key()),),
        peppers=(SecretStr(new_pepper()),),
        public_url="https://login.example.org",
    )
    parts = assemble(settings)
    retry = parts.redis.get_retry()
    assert retry is not None
    assert retry.get_retries() == 0  # a pipeline that is sent again doubles every entry in it
    options = parts.redis.connection_pool.connection_kwargs
    assert 0 < options["socket_timeout"] <= 5
    assert 0 < options["socket_connect_timeout"] <= 5
    await parts.close()
