"""Whether images could not be had for want of a network, a registry or room, not for what is in them."""

import re
from typing import Final

_OUT_OF_TIME_OR_ROOM: Final = re.compile(r"not done after|no space left on device|toomanyrequests")
_FETCHING: Final = re.compile(
    r"Error response from daemon|failed to resolve source metadata|failed to (authorize|fetch|copy)|"
    r"failed to do request|error pulling image|Error Get |"  # an engine, about a registry
    r"WARNING: Retrying|Could not fetch URL|due to an OSError|pip\._vendor"  # pip, about an index
)
_NETWORK: Final = re.compile(
    r"name resolution|no such host|server misbehaving|[Cc]onnection (refused|reset|broken|aborted)|"
    r"unreachable|[Tt]imed? ?out|deadline exceeded|Client\.Timeout|ProxyError|proxyconnect|TLS handshake|"
    r"\bEOF\b|\b50[234] |MaxRetryError|NewConnectionError"
)


def is_beyond_us(said: str) -> bool:
    """Tell by what `docker compose pull` or `build` said. Only who fetches may complain of the network."""
    return any(
        _OUT_OF_TIME_OR_ROOM.search(line) or (_FETCHING.search(line) and _NETWORK.search(line))
        for line in said.splitlines()
    )
