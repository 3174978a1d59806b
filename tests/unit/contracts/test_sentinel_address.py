"""An address of Sentinels is read as it is written in the README, and a slip in it is told."""

import pytest

from contracts.addresses import check_redis
from contracts.sentinel_address import SentinelAddress, is_sentinel


def test_hosts_ports_master_and_database_are_read() -> None:
    address = SentinelAddress.parse("redis+sentinel://one.example:26380,two,[::1]:5/my-master/3")
    assert address == SentinelAddress(
        sentinels=(("one.example", 26380), ("two", 26379), ("::1", 5)), master="my-master", database=3
    )


@pytest.mark.parametrize("url", ["redis+sentinel://h/m", "redis+sentinel://h/m/", "redis+sentinel://h/m/0"])
def test_the_database_may_be_left_out(url: str) -> None:
    check_redis(url)
    assert SentinelAddress.parse(url).database == 0


def test_credentials_are_those_of_redis_and_parameters_those_of_the_sentinels() -> None:
    address = SentinelAddress.parse(
        "redis+sentinel://porter:p%40ss%23@h/m?sentinel_username=s&sentinel_password=w%26"
    )
    assert (address.username, address.password) == ("porter", "p@ss#")
    assert (address.sentinel_username, address.sentinel_password) == ("s", "w&")


def test_a_password_alone_is_the_default_users() -> None:
    address = SentinelAddress.parse("redis+sentinel://:secret@h/m")
    assert (address.username, address.password) == (None, "secret")


def test_passwords_are_not_shown() -> None:
    shown = repr(SentinelAddress.parse("redis+sentinel://u:hidden@h/m?sentinel_password=hidden"))
    assert "hidden" not in shown


def test_an_address_of_redis_itself_is_none_of_sentinels() -> None:
    assert not is_sentinel("redis://h/0")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis+sentinel://h", "does not end in /MASTER"),
        ("redis+sentinel://h/", "does not end in /MASTER"),
        ("redis+sentinel://h/m/x", "does not end in /MASTER"),
        ("redis+sentinel://h/m/0/1", "does not end in /MASTER"),
        ("redis+sentinel:///m", "a Sentinel that is not HOST or HOST:PORT"),
        ("redis+sentinel://h,/m", "a Sentinel that is not HOST or HOST:PORT"),
        ("redis+sentinel://h:x/m", "a Sentinel that is not HOST or HOST:PORT"),
        ("redis+sentinel://::1/m", "a Sentinel that is not HOST or HOST:PORT"),
        ("redis+sentinel://h:0/m", "a port that is none"),
        ("redis+sentinel://h:65536/m", "a port that is none"),
        ("redis+sentinel://u:p@ss@h/m", "an '@' too many"),
        ("redis+sentinel://h/m#1", "a '#'"),
        ("redis+sentinel://h/m?ssl_ca_certs=/ca.pem", "a parameter that is not known here"),
        ("redis+sentinel://h/m?sentinel_password=a&sentinel_password=b", "or twice"),
        ("rediss+sentinel://h/m", "not a redis://, rediss:// or redis+sentinel:// address"),
    ],
)
def test_an_address_that_is_none_is_told_why(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|does) ") as refused:
        check_redis(url)
    assert told in str(refused.value)
