"""The settings of the limits: how often people may ask for mails, answer and register."""

from typing import Final

from pydantic import Field, field_validator

from auth_service.memory.policies import COUNT_MAX, SECONDS_MAX, LoginPolicies, parse_policy
from contracts.environment import SharedSettings

_MEND: Final = (
    f"set it to off, or to count/seconds such as 5/300, the count up to {COUNT_MAX}, "
    f"the seconds up to {SECONDS_MAX}"
)


class LimitSettings(SharedSettings):
    """Each is `count/seconds` or `off`."""

    limit_codes_per_ip: str = Field(
        default="5/300", validation_alias="AUTH_LIMIT_CODES_PER_IP", json_schema_extra={"mend": _MEND}
    )
    limit_codes_per_address: str = Field(
        default="5/3600", validation_alias="AUTH_LIMIT_CODES_PER_ADDRESS", json_schema_extra={"mend": _MEND}
    )
    limit_verify_per_ip: str = Field(
        default="10/300", validation_alias="AUTH_LIMIT_VERIFY_PER_IP", json_schema_extra={"mend": _MEND}
    )
    limit_register_per_ip: str = Field(
        default="3/3600", validation_alias="AUTH_LIMIT_REGISTER_PER_IP", json_schema_extra={"mend": _MEND}
    )

    @field_validator(
        "limit_codes_per_ip", "limit_codes_per_address", "limit_verify_per_ip", "limit_register_per_ip"
    )
    @classmethod
    def _limits_fit(cls, written: str) -> str:
        parse_policy("", written)
        return written

    def policies(self) -> LoginPolicies:
        """Give the limits, by the names that denied people are told."""
        return LoginPolicies(
            codes_per_ip=parse_policy("codes_per_ip", self.limit_codes_per_ip),
            codes_per_address=parse_policy("codes_per_address", self.limit_codes_per_address),
            verify_per_ip=parse_policy("verify_per_ip", self.limit_verify_per_ip),
            register_per_ip=parse_policy("register_per_ip", self.limit_register_per_ip),
        )
