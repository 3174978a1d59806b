"""Settings for services whose users, all on one machine, do in a minute what people do in a week."""

from collections.abc import Mapping
from typing import Final

NO_LIMITS: Final[Mapping[str, str]] = {
    "AUTH_LIMIT_CODES_PER_IP": "off",
    "AUTH_LIMIT_CODES_PER_ADDRESS": "off",
    "AUTH_LIMIT_VERIFY_PER_IP": "off",
    "AUTH_LIMIT_REGISTER_PER_IP": "off",
}
