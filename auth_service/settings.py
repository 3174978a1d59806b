"""The auth service's settings. Only `cli`, `app` and `wiring` read them."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from auth_service.model.codes import DIGITS_MAX, DIGITS_MIN
from auth_service.model.peppers import Peppers, parse_pepper
from auth_service.model.rules import LoginRules
from contracts.environment import SharedSettings, comma_separated

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORT = "set it to a free port from 1 to 65535"
_SECONDS = "set it to a number of seconds"


class AuthSettings(SharedSettings):
    """What the auth service reads beside the shared settings."""

    peppers: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        validation_alias="AUTH_PEPPERS",
        json_schema_extra={
            "mend": "make one with 'auth-service keys new', newest first, separated by commas"
        },
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias="AUTH_HOST",
        json_schema_extra={"mend": "set it to the address to listen on, such as 127.0.0.1 or 0.0.0.0"},
    )
    port: int = Field(
        default=8000, ge=1, le=65535, validation_alias="AUTH_PORT", json_schema_extra={"mend": _PORT}
    )
    internal_port: int = Field(
        default=8001, ge=1, le=65535, validation_alias="AUTH_INTERNAL_PORT", json_schema_extra={"mend": _PORT}
    )
    code_digits: int = Field(
        default=6,
        ge=DIGITS_MIN,
        le=DIGITS_MAX,
        validation_alias="AUTH_CODE_DIGITS",
        json_schema_extra={"mend": "set it to 6, 7 or 8"},
    )
    code_life: int = Field(
        default=600,
        ge=60,
        le=3600,
        validation_alias="AUTH_CODE_LIFE",
        json_schema_extra={"mend": "set it to 60 to 3600 seconds"},
    )
    session_idle: int = Field(
        default=604_800,
        ge=60,
        le=31_536_000,
        validation_alias="AUTH_SESSION_IDLE",
        json_schema_extra={"mend": _SECONDS},
    )
    session_life: int = Field(
        default=2_592_000,
        ge=60,
        le=31_536_000,
        validation_alias="AUTH_SESSION_LIFE",
        json_schema_extra={"mend": _SECONDS},
    )
    require_approval: bool = Field(
        default=True,
        validation_alias="AUTH_REQUIRE_APPROVAL",
        json_schema_extra={"mend": "set it to true or false"},
    )
    relay: Literal["inline", "off"] = Field(
        default="inline",
        validation_alias="AUTH_RELAY",
        json_schema_extra={"mend": "set it to inline, or to off where 'auth-service relay' runs by itself"},
    )
    relay_sweep: float = Field(
        default=1.0,
        ge=0.05,
        le=60,
        validation_alias="AUTH_RELAY_SWEEP",
        json_schema_extra={"mend": "set it to the seconds between two sweeps, 0.05 to 60"},
    )
    postgres_connections: int = Field(
        default=10,
        ge=2,
        le=200,
        validation_alias="AUTH_POSTGRES_CONNECTIONS",
        json_schema_extra={"mend": "set it to how many connections this process may open, 2 to 200"},
    )
    statement_timeout: float = Field(
        default=5.0,
        ge=0.1,
        le=60,
        validation_alias="AUTH_STATEMENT_TIMEOUT",
        json_schema_extra={"mend": "set it to the seconds a statement may take, 0.1 to 60"},
    )

    @field_validator("peppers", mode="before")
    @classmethod
    def _split_peppers(cls, value: object) -> object:
        return comma_separated(value)

    @field_validator("peppers")
    @classmethod
    def _peppers_fit(cls, peppers: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        Peppers([parse_pepper(pepper.get_secret_value()) for pepper in peppers])
        return peppers

    def rules(self) -> LoginRules:
        """Give the rules that flows go by."""
        return LoginRules(
            code_digits=self.code_digits,
            code_life=timedelta(seconds=self.code_life),
            session_idle=timedelta(seconds=self.session_idle),
            session_life=timedelta(seconds=self.session_life),
            approval_required=self.require_approval,
        )

    def all_peppers(self) -> Peppers:
        """Give the peppers, newest first."""
        return Peppers([parse_pepper(pepper.get_secret_value()) for pepper in self.peppers])

    @property
    def public_origin(self) -> str:
        """PUBLIC_URL as browsers write it in `Origin`: lower-cased, a default port left out (RFC 6454)."""
        parts = urlsplit(self.public_url.lower())
        if parts.port == _DEFAULT_PORTS.get(parts.scheme):
            return f"{parts.scheme}://{parts.netloc.rpartition(':')[0] or parts.netloc}"
        return f"{parts.scheme}://{parts.netloc}"
