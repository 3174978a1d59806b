"""What the services stand on: each server is taken from the caller's variable, or found here and started."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from subprocess import CalledProcessError
from typing import Final

import asyncpg
import httpx

from devstack.answers import pages_answer, postgres_answers, redis_answers
from devstack.ports import HOST, free_port
from devstack.process import StartFailed
from devstack.program import Program
from devstack.servers import postgres, redis
from devstack.servers.origin import ServerMissing, read_origin
from devstack.supervisor import Supervisor, together

DATABASE: Final = "porter"


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Where the servers are; `inbox_url` is empty when the mail goes to the caller's own SMTP server."""

    database_url: str
    redis_url: str
    smtp_url: str
    inbox_url: str


async def lay(
    supervisor: Supervisor,
    client: httpx.AsyncClient,
    *,
    caller: Mapping[str, str],
    inbox_port: int | None = None,
) -> Foundation:
    """Start what the caller does not bring, all at once. Raises `StartFailed`."""
    async with together() as group:
        database_url = group.create_task(start_postgres(supervisor, caller=caller))
        redis_url = group.create_task(start_redis(supervisor, caller=caller))
        mail = group.create_task(start_inbox(supervisor, client, caller=caller, port=inbox_port))
    smtp_url, inbox_url = mail.result()
    return Foundation(
        database_url=database_url.result(),
        redis_url=redis_url.result(),
        smtp_url=smtp_url,
        inbox_url=inbox_url,
    )


async def start_postgres(supervisor: Supervisor, *, caller: Mapping[str, str]) -> str:
    """Give the database's address: the caller's, or that of a fresh server. Raises `StartFailed`."""
    if url := caller.get("DATABASE_URL"):
        return url
    try:
        server = await asyncio.to_thread(
            postgres.initialise,
            folder=supervisor.folder / "postgres",
            port=free_port(),
            password=secrets.token_urlsafe(16),
            origin=read_origin(caller.get("DEVSTACK_SERVERS")),
        )
    except CalledProcessError as failed:
        raise StartFailed("postgres", "cannot be initialised", tail=failed.stderr) from failed
    except (ServerMissing, LookupError) as missing:
        raise StartFailed("postgres", "cannot be started", tail=str(missing)) from missing
    await supervisor.keep(server.program(), ready=lambda: postgres_answers(server.url()))
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return server.url(DATABASE)


async def start_redis(supervisor: Supervisor, *, caller: Mapping[str, str]) -> str:
    """Give Redis's address: the caller's, or that of a fresh server. Raises `StartFailed`."""
    if url := caller.get("REDIS_URL"):
        return url
    try:
        binary = redis.find_binary(read_origin(caller.get("DEVSTACK_SERVERS")))
    except ServerMissing as missing:
        raise StartFailed("redis", "cannot be started", tail=str(missing)) from missing
    folder = supervisor.folder / "redis"
    folder.mkdir()
    server = redis.Redis(binary=binary, folder=folder, port=free_port())
    program = server.program(append_only="everysec")
    await supervisor.keep(program, ready=lambda: redis_answers(server.url))
    return server.url


async def start_inbox(
    supervisor: Supervisor, client: httpx.AsyncClient, *, caller: Mapping[str, str], port: int | None
) -> tuple[str, str]:
    """Give the address that takes mail and the page that shows it; the page is empty for the caller's own.

    Raises `StartFailed`.
    """
    if url := caller.get("MAILER_SMTP_URL"):
        return url, caller.get("INBOX_URL", "")
    smtp_port, http_port = free_port(), free_port(preferred=port)
    page = f"http://{HOST}:{http_port}"
    program = Program(
        name="inbox",
        command=(
            *(sys.executable, "-m", "devstack.inbox"),
            *("--smtp-port", str(smtp_port), "--http-port", str(http_port)),
        ),
        folder=supervisor.folder,
    )

    async def ready() -> bool:
        return await pages_answer(client, f"{page}/healthz")

    await supervisor.keep(program, ready=ready, grace_seconds=5.0)
    return f"smtp://{HOST}:{smtp_port}", page
