"""Settings come from the environment, secret files and `.env`; a wrong one is a line that names the mend."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError, model_validator

from contracts.environment import SettingsWrong, SharedSettings, load
from contracts.sealing import LoginCode, Sealer, new_key
from tests.unit.contracts.made_events import EVENT_ID, a_login_code

MARKER = "zzsecretzz"
KEYS = (new_key(), new_key())

RIGHT = {
    "DATABASE_URL": "postgresql://porter:pw@db.example:5433/porter",
    "REDIS_URL": "redis://cache.example:6380/2",
    "SEALING_KEYS": ",".join(KEYS),
    "PUBLIC_URL": "https://login.example.org",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Leave nothing in the environment but the settings that are right, and stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for field in SharedSettings.model_fields.values():
        name = str(field.validation_alias)
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(settings: type[SharedSettings] = SharedSettings) -> list[str]:
    with pytest.raises(SettingsWrong) as refused:
        load(settings)
    assert str(refused.value) == "\n".join(refused.value.lines)
    return refused.value.lines


def test_right_settings_are_read() -> None:
    settings = load(SharedSettings)

    assert settings.sqlalchemy_url == "postgresql+asyncpg://porter:pw@db.example:5433/porter"
    assert settings.redis_url.get_secret_value() == "redis://cache.example:6380/2"
    assert tuple(key.get_secret_value() for key in settings.sealing_keys) == KEYS
    assert settings.public_url == "https://login.example.org"


def test_what_has_a_default_may_be_absent() -> None:
    settings = load(SharedSettings)

    assert (settings.login_method, settings.log_format) == ("otp", "json")


@pytest.mark.parametrize("name", RIGHT)
def test_a_missing_setting_is_one_line_that_names_the_mend(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.delenv(name)

    (line,) = refusal()

    assert line.startswith(f"{name}: is missing: ")
    assert len(line) > len(f"{name}: is missing: ")


def test_every_missing_setting_has_its_own_line(environment: pytest.MonkeyPatch) -> None:
    for name in RIGHT:
        environment.delenv(name)

    assert [line.split(":")[0] for line in refusal()] == list(RIGHT)


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("DATABASE_URL", f"mysql://{MARKER}", "postgresql://USER:PASSWORD@HOST:5432/NAME"),
        ("DATABASE_URL", MARKER, "postgresql://USER:PASSWORD@HOST:5432/NAME"),
        ("DATABASE_URL", "", "postgresql://USER:PASSWORD@HOST:5432/NAME"),
        ("DATABASE_URL", f"postgresql://h/n?foo={MARKER}", "has a parameter 'foo' that is not known here"),
        ("REDIS_URL", f"redis://h?foo={MARKER}", "has a parameter 'foo' that is not known here"),
        ("REDIS_URL", f"redis://h/{MARKER}", "has a database that is no number"),
        ("REDIS_URL", f"http://{MARKER}", "is not a redis://, rediss:// or redis+sentinel:// address"),
        ("REDIS_URL", f"redis+sentinel://h/{MARKER}/x", "does not end in /MASTER or /MASTER/DATABASE"),
        ("CACHE_REDIS_URL", f"redis+sentinel://h?{MARKER}=1", "does not end in /MASTER or /MASTER/DATABASE"),
        ("REDIS_URL", f"{MARKER}:6379", "set it to redis://HOST:6379/0"),
        ("SEALING_KEYS", MARKER, "a sealing key is not 32 bytes in url-safe base64"),
        ("SEALING_KEYS", f"{KEYS[0]},{MARKER}", "auth-service keys new"),
        ("SEALING_KEYS", f"{KEYS[0]} {KEYS[1]}", "a sealing key is not 32 bytes in url-safe base64"),
        ("SEALING_KEYS", " , ", "at least one sealing key is needed"),
        ("PUBLIC_URL", f"http://{MARKER}.example", "must be https:// (plain http only for http://localhost)"),
        ("PUBLIC_URL", f"http://localhost:x@{MARKER}.example", "must be https://"),
        ("PUBLIC_URL", "https://", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", f"https://x.example/{MARKER}", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", f"https://x.example?{MARKER}", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", f"https://{MARKER}@x.example", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", f"https://x.example:{MARKER}", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", "https://x.example:0", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", "https://x.example:65536", "Port out of range"),
        ("PUBLIC_URL", f"https://two words.{MARKER}", "must be a scheme, a host and perhaps a port"),
        ("PUBLIC_URL", f"https://[{MARKER}", "https://login.example.org"),
        ("LOGIN_METHOD", MARKER, "set it to otp"),
        ("LOG_FORMAT", MARKER, "set it to json or console"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"{MARKER}:4317", "is not an http:// or https:// address"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{MARKER}:0", "such as http://localhost:4318"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_mend_and_no_value(
    environment: pytest.MonkeyPatch, name: str, wrong: str, told: str
) -> None:
    environment.setenv(name, wrong)

    (line,) = refusal()

    assert line.startswith(f"{name}: ")
    assert told in line
    assert MARKER not in line
    assert "\n" not in line


def test_a_setting_without_an_advice_of_its_own_leads_to_the_example_file(
    environment: pytest.MonkeyPatch,
) -> None:
    class Odd(SharedSettings):
        workers: int = Field(validation_alias="ODD_WORKERS")

    environment.setenv("ODD_WORKERS", MARKER)

    (line,) = refusal(Odd)

    assert line.startswith("ODD_WORKERS: ")
    assert line.endswith(": see .env.example")
    assert MARKER not in line


def test_settings_that_contradict_each_other_are_one_line_too() -> None:
    class Contradicting(SharedSettings):
        @model_validator(mode="after")
        def _never(self) -> "Contradicting":
            raise ValueError("these two exclude each other")

    assert refusal(Contradicting) == ["settings: these two exclude each other: see .env.example"]


@pytest.mark.parametrize(
    "url", ["http://localhost", "http://localhost:8000", "http://127.0.0.1:1", "http://[::1]:8"]
)
def test_plain_http_is_for_ones_own_machine(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("PUBLIC_URL", url)

    settings = load(SharedSettings)

    assert settings.public_url == url
    assert settings.insecure_localhost


def test_https_is_secure_and_its_trailing_slash_goes(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_URL", "https://localhost:8443/")

    settings = load(SharedSettings)

    assert settings.public_url == "https://localhost:8443"
    assert not settings.insecure_localhost


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://h/n", "postgresql+asyncpg://h/n"),
        ("postgresql+psycopg://h/n", "postgresql+asyncpg://h/n"),
        ("postgresql://u:p%40ss@h:1/n", "postgresql+asyncpg://u:p%40ss@h:1/n"),
        ("postgresql://h/n?sslmode=require", "postgresql+asyncpg://h/n?ssl=require"),
        (
            "postgresql://h/n?target_session_attrs=any&sslmode=verify-full",
            "postgresql+asyncpg://h/n?target_session_attrs=any&ssl=verify-full",
        ),
        ("postgresql://h/sslmode=n?passfile=/a", "postgresql+asyncpg://h/sslmode=n?passfile=/a"),
    ],
)
def test_a_database_address_is_turned_into_the_drivers(
    environment: pytest.MonkeyPatch, given: str, used: str
) -> None:
    environment.setenv("DATABASE_URL", given)

    assert load(SharedSettings).sqlalchemy_url == used


def test_the_first_sealing_key_seals_and_all_of_them_open() -> None:
    sealer = load(SharedSettings).sealer()
    older = Sealer([KEYS[1]]).seal(a_login_code(), event_id=EVENT_ID)
    newest = sealer.seal(a_login_code(), event_id=EVENT_ID)

    assert sealer.open(older, LoginCode, event_id=EVENT_ID) == a_login_code()
    assert Sealer([KEYS[0]]).open(newest, LoginCode, event_id=EVENT_ID) == a_login_code()


def test_a_secret_is_read_from_the_file_that_its_variable_names(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "redis-url"
    secret.write_text("redis://from-file.example\n", encoding="utf-8")
    environment.delenv("REDIS_URL")
    environment.setenv("REDIS_URL_FILE", str(secret))

    assert load(SharedSettings).redis_url.get_secret_value() == "redis://from-file.example"


def test_the_environment_wins_over_a_secret_file_and_that_over_the_env_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://env-file.example\n", encoding="utf-8")
    (tmp_path / "redis-url").write_text("redis://secret-file.example", encoding="utf-8")

    def read() -> str:
        return load(SharedSettings).redis_url.get_secret_value()

    environment.delenv("REDIS_URL")
    assert read() == "redis://env-file.example"
    environment.setenv("REDIS_URL_FILE", str(tmp_path / "redis-url"))
    assert read() == "redis://secret-file.example"
    environment.setenv("REDIS_URL", "redis://environment.example")
    assert read() == "redis://environment.example"


@pytest.mark.parametrize("name", ["LOG_FORMAT", "log_format"])
def test_a_secret_file_that_the_environment_overrules_is_not_even_opened(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv("LOG_FORMAT_FILE", "nowhere")
    environment.setenv(name, "console")

    assert load(SharedSettings).log_format == "console"


def test_an_empty_variable_overrules_a_secret_file_too(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "redis-url").write_text("redis://secret-file.example", encoding="utf-8")
    environment.setenv("REDIS_URL_FILE", str(tmp_path / "redis-url"))
    environment.setenv("REDIS_URL", "")

    assert [line.partition(":")[0] for line in refusal()] == ["REDIS_URL"]


def test_an_argument_wins_over_everything(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_FORMAT=console\n", encoding="utf-8")

    assert SharedSettings(public_url="https://argued.example").public_url == "https://argued.example"


def test_a_wrong_value_from_a_secret_file_is_not_quoted(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(MARKER, encoding="utf-8")
    environment.delenv("SEALING_KEYS")
    environment.setenv("SEALING_KEYS_FILE", str(tmp_path / "keys"))

    (line,) = refusal()

    assert line.startswith("SEALING_KEYS: a sealing key is not")
    assert MARKER not in line


def test_a_secret_file_that_is_not_there_is_one_line(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("REDIS_URL")
    environment.setenv("REDIS_URL_FILE", "nowhere")

    assert refusal() == [
        "REDIS_URL_FILE: No such file or directory: point it at a file that this user can read"
    ]


def test_a_secret_file_that_is_not_text_is_one_line(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    environment.delenv("REDIS_URL")
    environment.setenv("REDIS_URL_FILE", str(tmp_path / "binary"))

    assert refusal() == ["REDIS_URL_FILE: is not UTF-8 text: write the bare value into it"]


def test_a_field_without_an_alias_has_a_secret_file_by_its_own_name(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Named(SharedSettings):
        plain_name: str = "default"

    (tmp_path / "plain").write_text("from the file", encoding="utf-8")
    assert load(Named).plain_name == "default"
    environment.setenv("PLAIN_NAME_FILE", str(tmp_path / "plain"))

    assert load(Named).plain_name == "from the file"


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = load(SharedSettings)

    assert KEYS[0] not in repr(settings)
    assert "cache.example" not in repr(settings)


def test_settings_do_not_change_once_read() -> None:
    settings = load(SharedSettings)

    with pytest.raises(ValidationError, match="frozen"):
        settings.public_url = "https://elsewhere.example"  # type: ignore[misc] # what must not work
