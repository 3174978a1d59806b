"""The auth service's settings. Only `cli`, `app` and `wiring` read them."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from auth_service.limit_settings import LimitSettings
from auth_service.model.addresses import canonical_address
from auth_service.model.codes import DIGITS_MAX, DIGITS_MIN
from auth_service.model.peppers import Peppers, parse_pepper
from auth_service.model.returns import canonical_origin
from auth_service.model.rules import LoginRules
from contracts.environment import comma_separated

_PORT = "set it to a free port from 1 to 65535"
_SECONDS = "set it to a number of seconds"


class AuthSettings(LimitSettings):
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
    approved_domains: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        validation_alias="AUTH_APPROVED_DOMAINS",
        json_schema_extra={"mend": "set it to mail domains such as example.org, separated by commas"},
    )
    admin_emails: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        validation_alias="AUTH_ADMIN_EMAILS",
        json_schema_extra={"mend": "set it to mail addresses, separated by commas"},
    )
    resend_cooldown: int = Field(
        default=60,
        ge=1,
        le=600,
        validation_alias="AUTH_RESEND_COOLDOWN",
        json_schema_extra={"mend": "set it to the seconds between two mails of one challenge, 1 to 600"},
    )
    return_origins: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        validation_alias="AUTH_RETURN_ORIGINS",
        json_schema_extra={
            "mend": "set it to origins such as https://app.example.org, separated by commas, without a path"
        },
    )
    cookie_domain: str | None = Field(
        default=None,
        validation_alias="AUTH_COOKIE_DOMAIN",
        json_schema_extra={
            "mend": "set it to the domain that PUBLIC_URL and your applications lie in, such as example.org"
        },
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        validation_alias="AUTH_TRUSTED_PROXIES",
        json_schema_extra={
            "mend": "set it to networks such as 127.0.0.1/32, 10.0.0.0/8, separated by commas"
        },
    )
    audit_keep: int = Field(
        default=31_536_000,
        ge=86_400,
        validation_alias="AUTH_AUDIT_KEEP",
        json_schema_extra={"mend": "set it to the seconds that audit events are kept, at least 86400"},
    )
    housekeeping_every: float = Field(
        default=60.0,
        ge=0.1,
        le=86_400,
        validation_alias="AUTH_HOUSEKEEPING_EVERY",
        json_schema_extra={"mend": "set it to the seconds between two rounds of tidying, 0.1 to 86400"},
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

    @field_validator(
        *("peppers", "approved_domains", "admin_emails", "return_origins", "trusted_proxies"), mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return comma_separated(value)

    @field_validator("approved_domains")
    @classmethod
    def _domains_fit(cls, domains: frozenset[str]) -> frozenset[str]:
        return frozenset(canonical_address(f"x@{domain}").partition("@")[2] for domain in domains)

    @field_validator("admin_emails")
    @classmethod
    def _emails_fit(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(canonical_address, emails))

    @field_validator("cookie_domain")
    @classmethod
    def _cookie_domain_fits(cls, domain: str | None, info: ValidationInfo) -> str | None:
        if not domain:
            return None
        domain = domain.lower().lstrip(".")
        public_url = info.data.get("public_url")
        if public_url is None:  # wrong itself, which has a line of its own
            return domain
        host = urlsplit(public_url.lower()).hostname or ""
        if "." not in domain or not f".{host}".endswith(f".{domain}"):
            raise ValueError("is not a domain that PUBLIC_URL lies in")
        if not public_url.startswith("https://"):
            raise ValueError("needs PUBLIC_URL to be https://, which its cookie is kept to")
        return domain

    @field_validator("return_origins")
    @classmethod
    def _origins_fit(cls, origins: frozenset[str]) -> frozenset[str]:
        return frozenset(map(canonical_origin, origins))

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
            approved_domains=self.approved_domains,
            method=self.login_method,
            link_page=f"{self.public_url}/login/link",
            resend_cooldown=timedelta(seconds=self.resend_cooldown),
        )

    def all_peppers(self) -> Peppers:
        """Give the peppers, newest first."""
        return Peppers([parse_pepper(pepper.get_secret_value()) for pepper in self.peppers])

    @property
    def public_origin(self) -> str:
        """PUBLIC_URL as browsers write it in `Origin`."""
        return canonical_origin(self.public_url)
