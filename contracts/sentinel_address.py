"""The address of a Redis that Sentinels watch over: who they are, and what they call their master.

`redis+sentinel://[USER:PASSWORD@]HOST[:26379][,HOST[:PORT]…]/MASTER[/DATABASE]`. User and password are those
of Redis itself; Sentinels with a password of their own have it in the parameter `sentinel_password`.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

SCHEME: Final = "redis+sentinel://"
DEFAULT_PORT: Final = 26379
PARAMETERS: Final = ("sentinel_username", "sentinel_password")

_PARTS: Final = re.compile(
    re.escape(SCHEME)
    + r"(?:(?P<credentials>[^@/?]*)@)?(?P<hosts>[^@/?]*)(?P<path>[^@?]*)(?:\?(?P<query>.*))?"
)
_HOST: Final = re.compile(r"(?P<name>[\w.-]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_PATH: Final = re.compile(r"/(?P<master>[\w.-]+)(?:/(?P<database>[0-9]{1,5})?)?", re.ASCII)


def is_sentinel(url: str) -> bool:
    """Tell whether an address names Sentinels rather than Redis itself."""
    return url.startswith(SCHEME)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """Whom to ask for the master, and how to open it."""

    sentinels: tuple[tuple[str, int], ...]
    master: str
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "SentinelAddress":
        """Read an address. Raises `ValueError`, which repeats no value."""
        if "#" in url:
            raise ValueError("has a '#', which a password needs written as %23")
        if (parts := _PARTS.fullmatch(url)) is None:
            raise ValueError("has an '@' too many, which a password needs written as %40")
        if (path := _PATH.fullmatch(parts["path"])) is None:
            raise ValueError("does not end in /MASTER or /MASTER/DATABASE, the master's name and a number")
        username, _, password = (parts["credentials"] or "").partition(":")
        asked = _parameters(parts["query"] or "")
        return cls(
            sentinels=tuple(_sentinel(each) for each in parts["hosts"].split(",")),
            master=path["master"],
            database=int(path["database"] or 0),
            username=unquote(username) or None,
            password=unquote(password) or None,
            sentinel_username=asked.get("sentinel_username"),
            sentinel_password=asked.get("sentinel_password"),
        )


def _sentinel(written: str) -> tuple[str, int]:
    found = _HOST.fullmatch(written)
    if found is None:
        raise ValueError("has a Sentinel that is not HOST or HOST:PORT")
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port < 65536:  # noqa: PLR2004 - the ports that TCP has
        raise ValueError("has a port that is none")
    return found["name"].strip("[]"), port


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs) or not set(given) <= set(PARAMETERS):
        raise ValueError(f"has a parameter that is not known here, or twice (known: {', '.join(PARAMETERS)})")
    return given
