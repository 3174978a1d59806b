"""What drivers would stumble over when they connect is refused before; what they take is let through."""

import asyncpg
import pytest
from redis.asyncio.connection import ConnectionPool
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.addresses import POSTGRES_PARAMETERS, REDIS_TLS_PARAMETERS, check_postgres, check_redis

RIGHT = {
    "sslmode": "require",
    "target_session_attrs": "read-write",
    "passfile": "/run/secrets/pgpass",
    "prepared_statement_cache_size": "0",
    "ssl_ca_certs": "/etc/ca.pem",
    "ssl_certfile": "/etc/own.pem",
    "ssl_keyfile": "/etc/own.key",
    "ssl_cert_reqs": "required",
    "ssl_check_hostname": "true",
}


def _client_of(url: str) -> object:
    pool = ConnectionPool.from_url(url)
    return pool.make_connection()  # type: ignore[no-untyped-call] # redis-py leaves it untyped


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://h:1/15", "redis://u:p%23w@[::1]:6379/0", "rediss://h/0"]
)
def test_a_redis_address_that_is_let_through_makes_a_client(url: str) -> None:
    check_redis(url)
    assert _client_of(url)


@pytest.mark.parametrize("name", REDIS_TLS_PARAMETERS)
def test_every_known_tls_parameter_is_one_that_the_redis_client_takes(name: str) -> None:
    url = f"rediss://h/0?{name}={RIGHT[name]}"
    check_redis(url)
    assert _client_of(url)


@pytest.mark.parametrize("name", POSTGRES_PARAMETERS)
async def test_every_known_parameter_is_one_that_the_postgres_driver_takes(name: str) -> None:
    url = f"postgresql://u@127.0.0.1:1/n?{name}={RIGHT[name]}"
    check_postgres(url)
    spelled = url.replace("postgresql", "postgresql+asyncpg", 1).replace("sslmode", "ssl")
    engine = create_async_engine(make_url(spelled))
    with pytest.raises((OSError, asyncpg.PostgresError)):  # nobody listens there: the arguments did fit
        await engine.raw_connection()
    await engine.dispose()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://[::1", "neither a name nor an IP address"),
        ("redis://[nonsense]:1", "neither a name nor an IP address"),
        ("redis://h:x", "a port that is none"),
        ("redis://h:65536", "a port that is none"),
        ("redis://h:0", "a port that is none"),
        ("redis://h/abc", "a database that is no number"),
        ("redis://h/0/1", "a database that is no number"),
        ("redis://h/-1", "a database that is no number"),
        ("redis://h/0#1", "a '#'"),
        ("redis://h/0?foo=1", "'foo' that is not known here"),
        ("redis://h/0?foo", "'foo' that is not known here"),
        ("redis://h/0?a%20b=1", "without a readable name"),
        ("redis://h/0?ssl_ca_certs=/ca.pem", "none with redis://"),
        ("rediss://h/0?ssl_cert_reqs=perhaps", "'ssl_cert_reqs' whose value does not fit"),
        ("rediss://h/0?ssl_ca_certs=", "'ssl_ca_certs' whose value does not fit"),
        ("rediss://h/0?ssl_ca_certs=/a&ssl_ca_certs=/b", "'ssl_ca_certs' twice"),
        ("unix:///run/redis.sock", "not a redis://, rediss:// or redis+sentinel:// address"),
    ],
)
def test_a_redis_address_that_is_none_is_told_why(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) ") as refused:
        check_redis(url)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("foo=bar", "'foo' that is not known here (known: sslmode, "),
        ("sslmode=perhaps", "'sslmode' whose value does not fit"),
        ("sslmode=require&sslmode=require", "'sslmode' twice"),
        ("timeout=5", "'timeout' that is not known here"),
    ],
)
def test_a_postgres_parameter_that_does_not_fit_is_told(query: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^has ") as refused:
        check_postgres(f"postgresql://h/n?{query}")
    assert told in str(refused.value)
