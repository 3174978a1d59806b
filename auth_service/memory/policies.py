"""How often something may be done, and what a limit answers."""

import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

COUNT_MAX: Final = 1000
SECONDS_MAX: Final = 86_400
OFF: Final = "off"

_MILLISECOND: Final = timedelta(milliseconds=1)
_WRITTEN: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,5})")

NOWHERE: Final = "nowhere"
"""Whoever comes over a Unix socket counts as one."""

IPV6_PREFIX: Final = 64
"""What one household or server is given (RFC 6177); whoever has one has all addresses in it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `count` hits in any `per`, for each subject; `name` is told to whoever is denied."""

    name: str
    count: int
    per: timedelta

    @property
    def per_ms(self) -> int:
        """Its length in milliseconds."""
        return self.per // _MILLISECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPolicies:
    """The limits of signing in; None where one is off."""

    codes_per_ip: Policy | None
    codes_per_address: Policy | None
    verify_per_ip: Policy | None
    register_per_ip: Policy | None

    @property
    def limit_asking(self) -> bool:
        """Whether it matters who asks for mails."""
        return self.codes_per_ip is not None or self.codes_per_address is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """A hit that someone wants to make. Without a policy everyone may."""

    policy: Policy | None
    subject: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hit is counted in every window; the tightest holds `remaining` more."""

    remaining: int | None


@dataclass(frozen=True, slots=True)
class Denied:
    """The hit is counted nowhere; `policy` has room again after `retry_after`, never zero."""

    policy: str
    retry_after: timedelta


Verdict = Allowed | Denied


def parse_policy(name: str, written: str) -> Policy | None:
    """Read `count/seconds`, or `off` for None. Raises `ValueError`."""
    if written == OFF:
        return None
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError("is neither count/seconds nor off")
    count, seconds = int(found[1]), int(found[2])
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"needs a count from 1 to {COUNT_MAX}")
    if not 1 <= seconds <= SECONDS_MAX:
        raise ValueError(f"needs seconds from 1 to {SECONDS_MAX}")
    return Policy(name=name, count=count, per=timedelta(seconds=seconds))


def origin(client_address: str | None) -> str:
    """Name whom a network address counts as: an IPv4 address itself, an IPv6 address its /64."""
    if client_address is None:
        return NOWHERE
    address = ip_address(client_address)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
