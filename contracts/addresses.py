"""Addresses of the servers that both services use: what may stand in them, so that a slip stops the start.

The drivers take any query parameter for an argument of theirs, and fail on a wrong one only when they
connect: then for ever. So only the parameters below are let through.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from contracts.sentinel_address import SentinelAddress, is_sentinel

_PATH: Final = re.compile(r"/.+")

POSTGRES_PARAMETERS: Final[Mapping[str, re.Pattern[str]]] = {
    "sslmode": re.compile(r"disable|allow|prefer|require|verify-ca|verify-full"),
    "target_session_attrs": re.compile(r"any|primary|standby|prefer-standby|read-write|read-only"),
    "passfile": _PATH,
    # 0 behind a pooler that gives each transaction another connection.
    "prepared_statement_cache_size": re.compile(r"[0-9]{1,5}"),
}
REDIS_TLS_PARAMETERS: Final[Mapping[str, re.Pattern[str]]] = {
    "ssl_ca_certs": _PATH,
    "ssl_certfile": _PATH,
    "ssl_keyfile": _PATH,
    "ssl_cert_reqs": re.compile(r"none|optional|required"),
    "ssl_check_hostname": re.compile(r"true|false"),
}

_REDIS_DATABASE: Final = re.compile(r"/?|/[0-9]{1,5}")
_NAME: Final = re.compile(r"\w{1,40}", re.ASCII)


def check_postgres(url: str) -> None:
    """Raise `ValueError`, which repeats no value, for a parameter that the driver would stumble over."""
    _check_parameters(_split(url), known=POSTGRES_PARAMETERS)


def check_redis(url: str) -> None:
    """Raise `ValueError`, which repeats no value, unless a Redis client can be made of `url`."""
    if is_sentinel(url):
        SentinelAddress.parse(url)
        return
    parts = _split(url)
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("is not a redis://, rediss:// or redis+sentinel:// address")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("has a port that is none")
    if _REDIS_DATABASE.fullmatch(parts.path) is None:
        raise ValueError("has a database that is no number")
    _check_parameters(parts, known=REDIS_TLS_PARAMETERS if parts.scheme == "rediss" else {})


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket alone, or between brackets what is no IPv6 address
        raise ValueError("has a host that is neither a name nor an IP address") from None
    if parts.fragment:
        raise ValueError("has a '#', which a password needs written as %23")
    return parts


def _check_parameters(parts: SplitResult, *, known: Mapping[str, re.Pattern[str]]) -> None:
    seen: set[str] = set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        told = repr(name) if _NAME.fullmatch(name) else "without a readable name"
        if name not in known:
            allowed = ", ".join(known) or "none with redis://"
            raise ValueError(f"has a parameter {told} that is not known here (known: {allowed})")
        if name in seen:
            raise ValueError(f"has the parameter {told} twice")
        if known[name].fullmatch(value) is None:
            raise ValueError(f"has a parameter {told} whose value does not fit")
        seen.add(name)
