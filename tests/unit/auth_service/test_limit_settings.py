from datetime import timedelta
from pathlib import Path

import pytest

from auth_service.limit_settings import LimitSettings
from auth_service.memory.policies import LoginPolicies, Policy
from contracts.environment import SettingsWrong, load
from contracts.sealing import new_key

NAMES = (
    "AUTH_LIMIT_CODES_PER_IP",
    "AUTH_LIMIT_CODES_PER_ADDRESS",
    "AUTH_LIMIT_VERIFY_PER_IP",
    "AUTH_LIMIT_REGISTER_PER_IP",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)  # where no .env is
    for name in (*NAMES, "CACHE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://porter:secret@localhost:5432/porter")
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    monkeypatch.setenv("SEALING_KEYS", new_key())
    monkeypatch.setenv("PUBLIC_URL", "https://login.example.org")
    return monkeypatch


def test_without_settings_the_limits_are_those_documented() -> None:
    assert load(LimitSettings).policies() == LoginPolicies(
        codes_per_ip=Policy("codes_per_ip", 5, timedelta(minutes=5)),
        codes_per_address=Policy("codes_per_address", 5, timedelta(hours=1)),
        verify_per_ip=Policy("verify_per_ip", 10, timedelta(minutes=5)),
        register_per_ip=Policy("register_per_ip", 3, timedelta(hours=1)),
    )


def test_each_limit_can_be_set_or_be_off(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTH_LIMIT_CODES_PER_IP", "off")
    environment.setenv("AUTH_LIMIT_CODES_PER_ADDRESS", "7/60")
    environment.setenv("AUTH_LIMIT_VERIFY_PER_IP", "1/1")
    environment.setenv("AUTH_LIMIT_REGISTER_PER_IP", "1000/86400")

    assert load(LimitSettings).policies() == LoginPolicies(
        codes_per_ip=None,
        codes_per_address=Policy("codes_per_address", 7, timedelta(minutes=1)),
        verify_per_ip=Policy("verify_per_ip", 1, timedelta(seconds=1)),
        register_per_ip=Policy("register_per_ip", 1000, timedelta(days=1)),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("written", ["", "5", "5/5m", "0/300", "5/0", "1001/5", "on", "5,300"])
def test_a_wrong_limit_stops_the_start_with_a_line_that_names_the_mend(
    environment: pytest.MonkeyPatch, name: str, written: str
) -> None:
    environment.setenv(name, written)

    with pytest.raises(SettingsWrong) as refused:
        load(LimitSettings)

    (line,) = refused.value.lines
    assert line.startswith(f"{name}: ")
    assert "set it to off, or to count/seconds such as 5/300" in line


def test_the_other_redis_is_read_like_the_first(environment: pytest.MonkeyPatch) -> None:
    assert load(LimitSettings).cache_redis_url is None

    environment.setenv("CACHE_REDIS_URL", "rediss://:secret@cache.example:6380/2")
    found = load(LimitSettings).cache_redis_url
    assert found is not None
    assert found.get_secret_value() == "rediss://:secret@cache.example:6380/2"

    environment.setenv("CACHE_REDIS_URL", "http://cache.example")
    with pytest.raises(SettingsWrong, match=r"CACHE_REDIS_URL: .*: set it like REDIS_URL"):
        load(LimitSettings)
