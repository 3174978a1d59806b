from datetime import timedelta
from pathlib import Path

import pytest

from auth_service.model.peppers import new_pepper
from auth_service.settings import AuthSettings
from contracts.environment import SettingsWrong, load
from contracts.sealing import new_key


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.setenv("DATABASE_URL", "postgresql://porter:secret@localhost:5432/porter")
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    monkeypatch.setenv("SEALING_KEYS", new_key())
    monkeypatch.setenv("AUTH_PEPPERS", new_pepper())
    monkeypatch.setenv("PUBLIC_URL", "https://login.example.org")
    return monkeypatch


def test_what_is_not_set_has_the_documented_value(environment: pytest.MonkeyPatch) -> None:
    del environment
    settings = load(AuthSettings)
    assert (settings.host, settings.port, settings.internal_port) == ("127.0.0.1", 8000, 8001)
    assert (settings.relay, settings.relay_sweep) == ("inline", 1.0)
    rules = settings.rules()
    assert (rules.code_digits, rules.code_life) == (6, timedelta(minutes=10))
    assert (rules.session_idle, rules.session_life) == (timedelta(days=7), timedelta(days=30))
    assert rules.approval_required


def test_the_first_pepper_is_the_newest(environment: pytest.MonkeyPatch) -> None:
    newest, older = new_pepper(), new_pepper()
    environment.setenv("AUTH_PEPPERS", f"{newest}, {older}")
    peppers = load(AuthSettings).all_peppers()
    environment.setenv("AUTH_PEPPERS", newest)
    assert peppers.newest == load(AuthSettings).all_peppers().newest


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://login.example.org", "https://login.example.org"),
        ("https://Login.Example.org:443", "https://login.example.org"),
        ("https://login.example.org:8443", "https://login.example.org:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_the_origin_is_written_as_browsers_do(
    environment: pytest.MonkeyPatch, public_url: str, origin: str
) -> None:
    environment.setenv("PUBLIC_URL", public_url)
    assert load(AuthSettings).public_origin == origin


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_PEPPERS", "too-short"),
        ("AUTH_PEPPERS", ""),
        ("AUTH_PORT", "0"),
        ("AUTH_PORT", "http"),
        ("AUTH_INTERNAL_PORT", "65536"),
        ("AUTH_CODE_DIGITS", "5"),
        ("AUTH_CODE_DIGITS", "9"),
        ("AUTH_CODE_LIFE", "1"),
        ("AUTH_SESSION_IDLE", "soon"),
        ("AUTH_SESSION_LIFE", "-1"),
        ("AUTH_REQUIRE_APPROVAL", "perhaps"),
        ("AUTH_RELAY", "outside"),
        ("AUTH_RELAY_SWEEP", "0"),
        ("AUTH_POSTGRES_CONNECTIONS", "0"),
        ("AUTH_STATEMENT_TIMEOUT", "0"),
        ("PUBLIC_URL", "http://login.example.org"),
        ("LOGIN_METHOD", "password"),
        ("REDIS_URL", "redis://localhost:many/0"),
        ("AUTH_APPROVED_DOMAINS", "example"),
        ("AUTH_ADMIN_EMAILS", "ada@example.org, root"),
        ("AUTH_RESEND_COOLDOWN", "0"),
        ("AUTH_RETURN_ORIGINS", "app.example.org"),
        ("AUTH_RETURN_ORIGINS", "https://app.example.org/path"),
        ("AUTH_COOKIE_DOMAIN", "org"),
        ("AUTH_COOKIE_DOMAIN", "example.com"),
        ("AUTH_COOKIE_DOMAIN", "ample.org"),
        ("AUTH_TRUSTED_PROXIES", "the proxy"),
        ("AUTH_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("AUTH_AUDIT_KEEP", "60"),
        ("AUTH_HOUSEKEEPING_EVERY", "never"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_the_mend(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        load(AuthSettings)
    (line,) = wrong.value.lines
    assert line.startswith(f"{name}: ")
    assert line.count(": ") >= 2
    assert "see .env.example" not in line


def test_lists_are_separated_by_commas_and_brought_into_one_form(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTH_APPROVED_DOMAINS", "Example.org, bücher.example")
    environment.setenv("AUTH_ADMIN_EMAILS", "Ada@Example.org,root@example.org")
    environment.setenv("AUTH_RETURN_ORIGINS", "https://App.example.org:443/,http://localhost:3000")
    environment.setenv("AUTH_TRUSTED_PROXIES", "127.0.0.1/32, fd00::/8")
    environment.setenv("AUTH_COOKIE_DOMAIN", ".Example.org")
    settings = load(AuthSettings)
    assert settings.approved_domains == {"example.org", "xn--bcher-kva.example"}
    assert settings.admin_emails == ("ada@example.org", "root@example.org")
    assert settings.return_origins == {"https://app.example.org", "http://localhost:3000"}
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32", "fd00::/8"]
    assert settings.cookie_domain == "example.org"


def test_an_empty_list_or_domain_is_none(environment: pytest.MonkeyPatch) -> None:
    for name in (
        "AUTH_APPROVED_DOMAINS",
        "AUTH_RETURN_ORIGINS",
        "AUTH_TRUSTED_PROXIES",
        "AUTH_COOKIE_DOMAIN",
    ):
        environment.setenv(name, "")
    settings = load(AuthSettings)
    assert not settings.approved_domains
    assert not settings.return_origins
    assert not settings.trusted_proxies
    assert settings.cookie_domain is None


def test_a_cookie_for_a_domain_needs_https(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_URL", "http://localhost:8000")
    environment.setenv("AUTH_COOKIE_DOMAIN", "example.org")
    with pytest.raises(SettingsWrong, match="AUTH_COOKIE_DOMAIN: "):
        load(AuthSettings)


def test_every_setting_has_a_mend() -> None:
    for field in AuthSettings.model_fields.values():
        assert isinstance(field.json_schema_extra, dict), field.validation_alias
        assert field.json_schema_extra["mend"]
