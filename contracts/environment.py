"""Settings from the environment, from secret files (`NAME_FILE`) and from `.env`, in that order.

A missing or wrong setting stops a process at once: one line for each variable names it and the mend.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, PostgresDsn, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from contracts.addresses import check_postgres, check_redis
from contracts.sealing import Sealer

_HOST_AND_PORT: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?")


class SettingsWrong(Exception):
    """The process cannot start; each of `lines` names a variable, what is wrong, and the mend."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME` from the file that `NAME_FILE` names, as container secrets are mounted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Find one field's value in its file."""
        key = field.validation_alias if isinstance(field.validation_alias, str) else field_name
        name = f"{key.upper()}_FILE"
        path = os.environ.get(name)
        if path is None or key.upper() in map(
            str.upper, os.environ
        ):  # what is overruled need not be readable
            return None, key, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), key, False
        except OSError as fault:
            line = f"{name}: {fault.strerror or fault}: point it at a file that this user can read"
            raise SettingsWrong([line]) from fault
        except UnicodeDecodeError:
            line = f"{name}: is not UTF-8 text: write the bare value into it"
            raise SettingsWrong([line]) from None

    def __call__(self) -> dict[str, Any]:
        """Collect all fields that have a file."""
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {key: value for value, key, _ in found if value is not None}


def comma_separated(value: object) -> object:
    """Split `a, b` into its parts, as several settings are written."""
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


class SharedSettings(BaseSettings):
    """What both services read. Each field's `mend` is what its error line advises."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    database_url: PostgresDsn = Field(
        validation_alias="DATABASE_URL",
        json_schema_extra={"mend": "set it to postgresql://USER:PASSWORD@HOST:5432/NAME"},
    )
    redis_url: SecretStr = Field(
        validation_alias="REDIS_URL",
        json_schema_extra={
            "mend": "set it to redis://HOST:6379/0 (rediss:// for TLS), or redis+sentinel://HOST,HOST,HOST/MASTER"
        },
    )
    cache_redis_url: SecretStr | None = Field(
        default=None,
        validation_alias="CACHE_REDIS_URL",
        json_schema_extra={"mend": "set it like REDIS_URL, or leave it out to use that one"},
    )
    sealing_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        validation_alias="SEALING_KEYS",
        json_schema_extra={
            "mend": "make one with 'auth-service keys new' and give both services the same, newest first"
        },
    )
    public_url: str = Field(
        validation_alias="PUBLIC_URL",
        json_schema_extra={
            "mend": "set it to the address that people open, such as https://login.example.org"
        },
    )
    login_method: Literal["otp", "magic_link", "otp_and_link"] = Field(
        default="otp",
        validation_alias="LOGIN_METHOD",
        json_schema_extra={"mend": "set it to otp, magic_link or otp_and_link"},
    )
    log_format: Literal["json", "console"] = Field(
        default="json",
        validation_alias="LOG_FORMAT",
        json_schema_extra={"mend": "set it to json or console"},
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        json_schema_extra={"mend": "set it to a collector's address for OTLP, such as http://localhost:4318"},
    )

    @field_validator("sealing_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return comma_separated(value)

    @field_validator("sealing_keys")
    @classmethod
    def _keys_fit(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        Sealer([key.get_secret_value() for key in keys])
        return keys

    @field_validator("redis_url", "cache_redis_url")
    @classmethod
    def _redis_fits(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_redis(url.get_secret_value())
        return url

    @field_validator("database_url")
    @classmethod
    def _postgres_fits(cls, url: PostgresDsn) -> PostgresDsn:
        check_postgres(str(url))
        return url

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector_fits(cls, url: str | None) -> str | None:
        if not url:  # set to nothing is not set, says OpenTelemetry's specification
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            raise ValueError("is not an http:// or https:// address")
        return url

    @field_validator("public_url")
    @classmethod
    def _public_https(cls, url: str) -> str:
        url = url.rstrip("/")
        parts = urlsplit(url)
        if parts.scheme != "https" and not _is_local(url):
            raise ValueError("must be https:// (plain http only for http://localhost)")
        only_a_place = _HOST_AND_PORT.fullmatch(parts.netloc) and url == f"{parts.scheme}://{parts.netloc}"
        if not only_a_place or parts.port == 0:  # a port beyond 65535 raises by itself
            raise ValueError("must be a scheme, a host and perhaps a port, and nothing else")
        return url

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address for SQLAlchemy's asyncpg dialect, which calls libpq's `sslmode` `ssl`."""
        _, _, rest = str(self.database_url).partition("://")
        renamed = re.sub(r"([?&])sslmode=", r"\1ssl=", rest)
        return f"postgresql+asyncpg://{renamed}"

    @property
    def insecure_localhost(self) -> bool:
        """Whether people reach this service over plain http on their own machine."""
        return _is_local(self.public_url)

    def sealer(self) -> Sealer:
        """Make the sealer of these keys."""
        return Sealer([key.get_secret_value() for key in self.sealing_keys])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, secret files, `.env`."""
        del file_secret_settings  # a folder of secrets by field name; NAME_FILE says it plainer
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings


S = TypeVar("S", bound=SharedSettings)


def load(settings: type[S]) -> S:
    """Read the settings once. Raises `SettingsWrong`."""
    try:
        return settings()
    except ValidationError as invalid:
        mends = _mends(settings)
        fields = settings.model_fields
        lines = {}
        for fault in invalid.errors(include_input=False, include_url=False):
            name = str(fault["loc"][0]) if fault["loc"] else "settings"
            if name in fields:  # pydantic calls a default that does not fit by its field's name
                name = str(fields[name].validation_alias or name)
            problem = (
                "is missing" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
            )
            lines[name] = f"{name}: {problem}: {mends.get(name, 'see .env.example')}"
        raise SettingsWrong(list(lines.values())) from None


def _mends(settings: type[SharedSettings]) -> Mapping[str, str]:
    found = {}
    for field in settings.model_fields.values():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and isinstance(field.validation_alias, str):
            found[field.validation_alias] = str(extra.get("mend", ""))
    return found


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
