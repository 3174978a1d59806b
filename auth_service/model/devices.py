"""What a browser or program is called, from its User-Agent (RFC 9110, section 10.1.5)."""

from functools import lru_cache
from typing import Final

import ua_parser

from contracts.names import plain_name

USER_AGENT_CHARACTERS_MAX: Final = 400
NAME_CHARACTERS_MAX: Final = 60


@lru_cache(maxsize=1024)
def device_name(user_agent: str) -> str:
    """Name it for people: "Firefox on Linux", else the product it says it is; empty where it says nothing."""
    written = plain_name(user_agent[:USER_AGENT_CHARACTERS_MAX])
    found = ua_parser.parse(user_agent[:USER_AGENT_CHARACTERS_MAX])
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if browser and system:
        name = f"{browser} on {system}"
    else:
        name = browser or written.partition(" ")[0].partition("/")[0]
    return plain_name(name)[:NAME_CHARACTERS_MAX]
