"""What the endpoints work with, made once when the service starts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from fastapi import Depends, Request

from auth_service.api.cookies import Cookies
from auth_service.api.metrics import ApiMetrics
from auth_service.flows.grid import Grid
from auth_service.flows.watch import Watch
from auth_service.memory.limits import Limits
from auth_service.memory.policies import LoginPolicies
from auth_service.model.delivery import Delivery
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.storage.database import Database
from contracts.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The collaborators of all endpoints.

    `public_origin` is what browsers call this site's origin; `return_origins` are those that a sign-in may
    lead back to. Forwarded headers count from `trusted_proxies` only. `delivery` looks at how login mail gets
    on, and raises `PostgresAway`. `limits` decide by `policies` how often something may be done. `watch`
    knows who is there, and `grid` lists everyone, from the cache where they can.
    """

    database: Database
    rules: LoginRules
    peppers: Peppers
    sealer: Sealer
    cookies: Cookies
    public_origin: str
    return_origins: frozenset[str]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    delivery: Callable[[], Awaitable[Delivery]]
    metrics: ApiMetrics
    limits: Limits
    policies: LoginPolicies
    watch: Watch
    grid: Grid


async def _door_of(request: Request) -> Door:  # async: FastAPI sends plain functions to a thread
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(_door_of)]
