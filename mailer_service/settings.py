"""The mailer's settings: what it shares with auth_service, and its own `MAILER_…`."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from contracts.environment import comma_separated
from mailer_service.brand_settings import BrandSettings
from mailer_service.smtp_settings import SmtpSettings

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]


class MailerSettings(SmtpSettings, BrandSettings):
    """Read once, at start. The waits are the design's; tests shorten them."""

    host: str = Field(
        default="127.0.0.1",
        validation_alias="MAILER_HOST",
        json_schema_extra={"mend": "set it to the address to listen on, such as 127.0.0.1 or 0.0.0.0"},
    )
    port: int = Field(
        default=8002,
        ge=0,
        le=65535,
        validation_alias="MAILER_PORT",
        json_schema_extra={"mend": "set it to a free port for /healthz and /metrics"},
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=20,
        validation_alias="MAILER_MAX_ATTEMPTS",
        json_schema_extra={"mend": "set it to a number from 1 to 20"},
    )
    send_deadline: Seconds = Field(
        default=20,
        validation_alias="MAILER_SEND_DEADLINE",
        json_schema_extra={"mend": "set it to seconds, such as 20"},
    )
    claim_stale_after: Seconds = Field(
        default=60,
        validate_default=True,
        validation_alias="MAILER_CLAIM_STALE_AFTER",
        json_schema_extra={"mend": "set it to more seconds than MAILER_SEND_DEADLINE, such as 60"},
    )
    backoff_login: Annotated[tuple[Seconds, ...], NoDecode] = Field(
        default=(5, 90),
        validation_alias="MAILER_BACKOFF_LOGIN",
        json_schema_extra={"mend": "set it to seconds after each failed attempt, such as 5,90"},
    )
    backoff_accounts: Annotated[tuple[Seconds, ...], NoDecode] = Field(
        default=(60, 900),
        validation_alias="MAILER_BACKOFF_ACCOUNTS",
        json_schema_extra={"mend": "set it to seconds after each failed attempt, such as 60,900"},
    )
    silent_after: Seconds = Field(
        default=10,
        validation_alias="MAILER_SILENT_AFTER",
        json_schema_extra={
            "mend": "set it to seconds after which a silent mailer counts as dead, such as 10"
        },
    )
    stuck_after: Seconds = Field(
        default=300,
        validate_default=True,
        validation_alias="MAILER_STUCK_AFTER",
        json_schema_extra={
            "mend": "set it to seconds after which any idle entry is taken over, more than "
            "MAILER_SEND_DEADLINE, such as 300"
        },
    )
    drain: Seconds = Field(
        default=25,
        validation_alias="MAILER_DRAIN",
        json_schema_extra={
            "mend": "set it to the seconds that a stopping mailer finishes its mails in, such as 25"
        },
    )

    @field_validator("backoff_login", "backoff_accounts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return comma_separated(value)

    @field_validator("backoff_login", "backoff_accounts", mode="after")
    @classmethod
    def _some_wait(cls, waits: tuple[float, ...]) -> tuple[float, ...]:
        if not waits:
            raise ValueError("names no wait")
        return waits

    @field_validator("claim_stale_after", "stuck_after")
    @classmethod
    def _outlasts_a_send(cls, wait: float, given: ValidationInfo) -> float:
        # Else a mail that a slow server is still being handed is taken over, and goes out twice.
        if wait <= given.data.get("send_deadline", 0):
            raise ValueError("is over before a mail's sending may be")
        return wait

    @property
    def drain_for(self) -> timedelta:
        """How long a stopping mailer finishes what it has in hand."""
        return timedelta(seconds=self.drain)
