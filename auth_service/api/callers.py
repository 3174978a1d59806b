"""Who calls: the trace of a request, the network address it comes from, and what it says it is.

Anyone can write forwarded headers. They count only from proxies that the operator named, read from the
right: each proxy appends whom it heard, so the first address that is no proxy of ours is the caller's.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Final

from fastapi import Depends, Request

from auth_service.api.door import TheDoor
from auth_service.api.traces import trace_of
from auth_service.model.callers import Caller

FORWARDED_MAX: Final = 32
"""Hops looked at; more than any chain of proxies has."""

Network = IPv4Network | IPv6Network


def client_address(request: Request, *, proxies: Sequence[Network]) -> str | None:
    """Tell whence a request comes; None where that cannot be known, as over a Unix socket."""
    peer = _peer(request)
    if peer is None:
        return None
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for hop in reversed(hops[-FORWARDED_MAX:]):
        if not _is_in(peer, proxies):
            break
        heard = _address(hop)
        if heard is None:  # what cannot be read was not written by a proxy of ours
            break
        peer = heard
    return str(peer)


def is_from_proxy(request: Request, *, proxies: Sequence[Network]) -> bool:
    """Tell whether one of our proxies sent this itself, so that what it says of a request counts."""
    peer = _peer(request)
    return peer is not None and _is_in(peer, proxies)


def _peer(request: Request) -> IPv4Address | IPv6Address | None:
    return None if request.client is None else _address(request.client.host)


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _address(written: str) -> IPv4Address | IPv6Address | None:
    """Read an address as proxies write it, perhaps with a port; IPv4 within IPv6 becomes itself."""
    written = written.strip()
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        found = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def caller_of(request: Request, door: TheDoor) -> Caller:
    """Tell who makes a request."""
    return Caller(
        traceparent=trace_of(request).traceparent(),
        client_address=client_address(request, proxies=door.trusted_proxies),
        user_agent=request.headers.get("user-agent", ""),
    )


async def _caller_of(request: Request, door: TheDoor) -> Caller:
    return caller_of(request, door)


TheCaller = Annotated[Caller, Depends(_caller_of)]
