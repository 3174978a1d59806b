"""The settings of the way out: which SMTP servers get mail, over how many connections and at what rate."""

import ssl
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from contracts.environment import SharedSettings
from mailer_service.mailing.rates import COUNT_MAX, OFF, SECONDS_MAX, Rate
from mailer_service.mailing.smtp_url import SmtpUrl

_AUTHORITY_MEND: Final = "set it to a PEM file with the private authority's certificate, or unset it"
_RATE_MEND: Final = (
    f"set it to off, or to count/seconds such as 14/1, the count up to {COUNT_MAX}, "
    f"the seconds up to {SECONDS_MAX}"
)


class SmtpSettings(SharedSettings):
    """The first server, and one that stands in for it. A rate is each process's own."""

    smtp_url: SecretStr = Field(
        validation_alias="MAILER_SMTP_URL",
        json_schema_extra={
            "mend": "set it to smtp+starttls://USER:PASSWORD@HOST:587, smtps://…:465 or smtp://HOST:25"
        },
    )
    smtp_ca_file: Path | None = Field(
        default=None,
        validation_alias="MAILER_SMTP_CA_FILE",
        json_schema_extra={"mend": _AUTHORITY_MEND},
    )
    smtp_rate: str = Field(
        default=OFF, validation_alias="MAILER_SMTP_RATE", json_schema_extra={"mend": _RATE_MEND}
    )
    fallback_url: SecretStr | None = Field(
        default=None,
        validation_alias="MAILER_SMTP_FALLBACK_URL",
        json_schema_extra={
            "mend": "set it like MAILER_SMTP_URL, to another host or port than that, or unset it"
        },
    )
    fallback_ca_file: Path | None = Field(
        default=None,
        validation_alias="MAILER_SMTP_FALLBACK_CA_FILE",
        json_schema_extra={"mend": _AUTHORITY_MEND},
    )
    fallback_rate: str = Field(
        default=OFF, validation_alias="MAILER_SMTP_FALLBACK_RATE", json_schema_extra={"mend": _RATE_MEND}
    )
    connections: int = Field(
        default=16,
        ge=2,
        le=256,
        validation_alias="MAILER_SMTP_CONNECTIONS",
        json_schema_extra={"mend": "set it to a number from 2 to 256"},
    )
    reserved: int = Field(
        default=4,
        ge=1,
        validate_default=True,
        validation_alias="MAILER_SMTP_RESERVED",
        json_schema_extra={"mend": "set it to fewer than MAILER_SMTP_CONNECTIONS"},
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, url: SecretStr) -> SecretStr:
        SmtpUrl.parse(url.get_secret_value())
        return url

    @field_validator("fallback_url", mode="before")
    @classmethod
    def _nothing_is_none(cls, url: object) -> object:
        return url or None

    @field_validator("fallback_url")
    @classmethod
    def _is_another(cls, url: SecretStr | None, given: ValidationInfo) -> SecretStr | None:
        if url is not None:
            provider = SmtpUrl.parse(url.get_secret_value()).provider
            first = given.data.get("smtp_url")
            if first is not None and SmtpUrl.parse(first.get_secret_value()).provider == provider:
                raise ValueError("names the same server as MAILER_SMTP_URL")
        return url

    @field_validator("smtp_rate", "fallback_rate")
    @classmethod
    def _is_rate(cls, written: str) -> str:
        Rate.parse(written)
        return written

    @field_validator("smtp_ca_file", "fallback_ca_file")
    @classmethod
    def _authority(cls, path: Path | None) -> Path | None:
        if path is not None:
            try:
                ssl.create_default_context(cafile=path)
            except OSError as fault:  # also what ssl says of a file without a certificate
                raise ValueError(f"{path}: {fault.strerror or fault}") from None
        return path

    @field_validator("reserved")
    @classmethod
    def _leaves_some(cls, reserved: int, given: ValidationInfo) -> int:
        if reserved >= given.data.get("connections", reserved + 1):
            raise ValueError("leaves no connection for other mail")
        return reserved
