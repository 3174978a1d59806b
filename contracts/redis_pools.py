"""Connections to Redis for both services: at an address, or wherever the Sentinels say that the master is.

None of them retries by itself: what was not answered may have been done, and a pipeline sent again doubles.
The services bring redis-py; `contracts` alone does not need it.
"""

import asyncio
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, ConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from contracts.sentinel_address import SentinelAddress, is_sentinel

SENTINEL_PATIENCE_SECONDS: Final = 0.2
"""For each step with a Sentinel. One that is gone with its machine answers nothing, and everybody waits."""


def redis_pool(url: str, *, wait_seconds: float | None = None, **options: Any) -> ConnectionPool:  # noqa: ANN401 - redis-py's own options
    """Make a pool for `url`, which settings have checked. Making one opens nothing.

    While all its connections are in use it refuses, or with `wait_seconds` lets whoever asks wait that long.
    """
    options["retry"] = Retry(NoBackoff(), 0)
    if wait_seconds is not None:
        options["timeout"] = wait_seconds
    if not is_sentinel(url):
        return (ConnectionPool if wait_seconds is None else BlockingConnectionPool).from_url(url, **options)
    address = SentinelAddress.parse(url)
    kind = MasterPool if wait_seconds is None else BlockingMasterPool
    return kind(  # type: ignore[no-untyped-call]  # redis-py's own
        address.master,
        Watchers(address),
        username=address.username,
        password=address.password,
        db=address.database,
        **options,
    )


class Watchers(Sentinel):
    """The Sentinels of an address, all asked at once, by one question for all who want to know.

    redis-py asks them in turn, so that each one that is down holds up the rest, and takes the first answer,
    which may come from one that slept through the last failover.
    """

    def __init__(self, address: SentinelAddress) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # redis-py's own
            address.sentinels, sentinel_kwargs=sentinel_options(address)
        )
        self._asking: asyncio.Task[tuple[str, int]] | None = None

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Tell where the master is, by the newest of the answers. Raises `MasterNotFoundError`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(service_name), name="ask sentinels")
            self._asking.add_done_callback(_heard)
        return await asyncio.shield(self._asking)

    async def aclose(self) -> None:
        """Ask nobody any more, and hang up."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        await super().aclose()

    async def _ask(self, service_name: str) -> tuple[str, int]:
        answers = await asyncio.gather(
            *(sentinel.sentinel_masters() for sentinel in self.sentinels), return_exceptions=True
        )
        told = [
            answer[service_name] for answer in answers if isinstance(answer, dict) and service_name in answer
        ]
        standing = [state for state in told if self.check_master_state(state, service_name)]
        if not standing:
            faults = ", ".join(type(answer).__name__ for answer in answers if isinstance(answer, Exception))
            raise MasterNotFoundError(
                f"{len(told)} of {len(answers)} Sentinels know this master, none of them as up"
                + (f" ({faults})" if faults else "")
            )
        newest = max(standing, key=lambda state: int(state["config-epoch"]))
        return str(newest["ip"]), int(newest["port"])


class MasterPool(SentinelConnectionPool):
    """Connections to the master, each asking for it when it connects; closes the Sentinels' with its own."""

    async def aclose(self) -> None:
        """Disconnect."""
        await super().aclose()
        await self.sentinel_manager.aclose()


class BlockingMasterPool(MasterPool, BlockingConnectionPool):
    """The same, for those who would rather wait than be refused."""


def sentinel_options(address: SentinelAddress) -> dict[str, Any]:
    """Give the options of a client that asks a Sentinel."""
    return {
        "username": address.sentinel_username,
        "password": address.sentinel_password,
        "socket_timeout": SENTINEL_PATIENCE_SECONDS,
        "socket_connect_timeout": SENTINEL_PATIENCE_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def _heard(asking: "asyncio.Task[tuple[str, int]]") -> None:
    """Look at how it ended, should nobody wait for it any more."""
    if not asking.cancelled():
        asking.exception()
