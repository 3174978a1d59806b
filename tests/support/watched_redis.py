"""A Redis with a replica and three Sentinels that watch over both, for where no machine is the only one."""

import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from devstack.answers import redis_answers
from devstack.ports import free_port
from devstack.program import Program
from devstack.servers import redis
from tests.support.redis import ORIGINS
from tests.support.redis_users import write_users
from tests.support.waiting import until

MASTER = "porter"
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MS = 1000
UP_WITHIN_SECONDS = 20.0
AGREED_WITHIN_SECONDS = 30.0


@dataclass
class Node:
    """One server's process."""

    program: Program
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its own address."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it on its data, and wait until it answers."""
        with (self.program.folder / "server.log").open("ab") as output:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - forks at once, and waits for nothing
                self.program.command, stdout=output, stderr=output, **self.program.start_options()
            )
        await until(lambda: redis_answers(self.url), within=UP_WITHIN_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End it without a word, stopped or not."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            await until(lambda: process.poll() is not None, within=UP_WITHIN_SECONDS)

    async def ask(self, question: Callable[["Redis"], Awaitable[Any]]) -> Any:  # noqa: ANN401 - any answer
        """Ask it directly; None where it does not answer."""
        async with Redis.from_url(self.url, decode_responses=True, socket_timeout=1) as client:
            try:
                return await question(client)
            except (RedisError, OSError):
                return None


class WatchedRedis:
    """One master, one replica, three Sentinels of which two must agree that it is down for a second."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._binary = redis.find_binary(ORIGINS[kind])
        self._folder = folder
        self.nodes = [self._server("one"), self._server("two")]
        self.sentinels = [self._sentinel(number) for number in range(SENTINELS)]

    @property
    def url(self) -> str:
        """The address as the services are told it."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{MASTER}/0"

    async def start(self) -> None:
        """Start all, and wait until everybody knows of everybody and the replica has it all."""
        one, two = self.nodes
        await one.start()
        two.program = replace(
            two.program,
            command=(*two.program.command, "--replicaof", "127.0.0.1", str(one.port)),
        )
        await two.start()
        for sentinel in self.sentinels:
            await sentinel.start()
        await until(self.is_watched, within=AGREED_WITHIN_SECONDS, every=0.1)
        await until(lambda: self.has_synced(two), within=AGREED_WITHIN_SECONDS)

    async def is_watched(self) -> bool:
        """Tell whether each Sentinel knows one replica that is up, and both other Sentinels."""
        states = [await self._state(sentinel) for sentinel in self.sentinels]
        return all(
            state is not None
            and int(state["num-slaves"]) == 1
            and int(state["num-other-sentinels"]) == SENTINELS - 1
            and "down" not in str(state["flags"])
            for state in states
        )

    async def has_synced(self, node: Node) -> bool:
        """Tell whether a replica follows its master."""
        info = await node.ask(lambda client: client.info("replication"))
        return info is not None and info.get("master_link_status") == "up"

    async def master(self) -> Node:
        """Tell who the master is, by the Sentinels' word."""
        ports = [state["port"] for state in [await self._state(each) for each in self.sentinels] if state]
        return next(node for node in self.nodes if str(node.port) == str(max(ports, key=ports.count)))

    async def has_moved_from(self, node: Node) -> bool:
        """Tell whether all Sentinels that answer name another master, and that one takes writes."""
        ports = {
            str(state["port"]) for state in [await self._state(each) for each in self.sentinels] if state
        }
        (other,) = (each for each in self.nodes if each is not node)
        role = await other.ask(lambda client: client.role())
        return ports == {str(other.port)} and bool(role) and role[0] == "master"

    async def stop(self) -> None:
        """End all."""
        for each in (*self.sentinels, *self.nodes):
            await each.kill()

    async def _state(self, sentinel: Node) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await sentinel.ask(lambda client: client.sentinel_master(MASTER))
        return found

    def _server(self, name: str) -> Node:
        folder = self._folder / name
        folder.mkdir(parents=True)
        server = redis.Redis(binary=self._binary, folder=folder, port=free_port())
        program = server.program(append_only="everysec")
        at_once = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        users = ("--aclfile", str(write_users(folder)))
        return Node(replace(program, command=(*program.command, *at_once, *users)), server.port)

    def _sentinel(self, number: int) -> Node:
        folder, port = self._folder / f"sentinel-{number}", free_port()
        folder.mkdir(parents=True)
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {self.nodes[0].port} {QUORUM}\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )
        command = (str(self._binary), str(config), "--sentinel")
        return Node(Program(name=f"sentinel-{number}", command=command, folder=folder), port)


@asynccontextmanager
async def watched_redis(kind: str, folder: Path) -> AsyncIterator[WatchedRedis]:
    """Lend one that runs."""
    watched = WatchedRedis(kind, folder)
    try:
        await watched.start()
        yield watched
    finally:
        await watched.stop()
