"""The stack as a command: what it hands on, how it ends, and that it leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import httpx
import pytest

from devstack.servers.identity import let_pass
from tests.support.waiting import until

PROMISED = {
    *("AUTH_URL", "AUTH_METRICS_URL", "MAILER_URL", "INBOX_URL", "DATABASE_URL", "REDIS_URL"),
    *("SMTP_URL", "ADMIN_EMAIL", "STACK_DIR"),
}
TELL = """
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["STACK_DIR"])
pids = {path.name: int(path.read_text()) for path in (folder / "pids").iterdir()}
told = pathlib.Path(os.environ["TOLD"])
told.with_suffix(".new").write_text(json.dumps({"environment": dict(os.environ), "pids": pids}))
told.with_suffix(".new").rename(told)
"""
Seen = dict[str, dict[str, str]]
STAY = f"{TELL}\nimport signal\nsignal.pause()"


@pytest.fixture
def temporary() -> Iterator[str]:
    """Lend a place for temporary folders that every user may pass through, as /tmp is."""
    with TemporaryDirectory(prefix="porter-test-") as folder:
        let_pass(Path(folder))
        yield folder


async def devstack(*words: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devstack", *words),
        env=plain() | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def test_a_command_gets_the_promised_environment_and_its_status_is_the_status(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = (sys.executable, "-c", f"{TELL}\nsys.exit(7)")
    running = await devstack("run", "--mailers", "2", "--auths", "2", "--", *command, TOLD=str(told))
    _, errors = await running.communicate()
    assert running.returncode == 7, errors.decode()
    assert errors == b"", "a run that works says nothing of its own"
    seen = json.loads(await asyncio.to_thread(told.read_text))
    assert all(seen["environment"].get(name) for name in PROMISED)
    assert set(seen["pids"]) == {"postgres", "redis", "inbox", "auth-1", "auth-2", "mailer-1", "mailer-2"}
    await nothing_left(seen)


async def test_a_terminated_run_stops_everything(tmp_path: Path) -> None:
    told = tmp_path / "told"
    running = await devstack("run", "--", sys.executable, "-c", STAY, TOLD=str(told))
    seen = await hears(told)
    running.send_signal(signal.SIGTERM)
    await running.communicate()
    assert running.returncode == 128 + signal.SIGTERM
    await nothing_left(seen)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_a_killed_run_leaves_no_process(tmp_path: Path, temporary: str) -> None:
    told = tmp_path / "told"
    running = await devstack("run", "--", sys.executable, "-c", STAY, TOLD=str(told), TMPDIR=temporary)
    seen = await hears(told)
    running.kill()
    await running.communicate()
    await until(lambda: not living(seen), within=10)


async def test_a_service_that_cannot_start_is_named_with_its_reason(temporary: str) -> None:
    running = await devstack("run", "--", "true", AUTH_CODE_DIGITS="99", TMPDIR=temporary)
    _, errors = await running.communicate()
    assert running.returncode == 1
    told = errors.decode()
    assert "auth" in told.splitlines()[0]
    assert "AUTH_CODE_DIGITS" in told
    assert contents(temporary) == []


async def test_run_without_a_command_is_refused() -> None:
    running = await devstack("run", "--")
    _, errors = await running.communicate()
    assert running.returncode == 2
    assert "name a command" in errors.decode()


async def test_the_tour_shows_each_step_and_ends(temporary: str) -> None:
    running = await devstack("tour", TMPDIR=temporary)
    output, errors = await running.communicate()
    assert running.returncode == 0, errors.decode()
    steps = [line for line in output.decode().splitlines() if line.startswith("✓")]
    assert len(steps) == 13
    assert "403 account_pending" in output.decode()
    assert contents(temporary) == []


async def test_the_demo_stays_up_until_it_is_interrupted(temporary: str) -> None:
    running = await devstack("demo", "--port", "20007", TMPDIR=temporary)
    assert running.stdout is not None
    shown = await asyncio.wait_for(running.stdout.readuntil(b"Ctrl-C stops everything."), 60)
    assert b"http://localhost:20007/login" in shown
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get("http://localhost:20007/login")).status_code == 200
    running.send_signal(signal.SIGINT)
    await running.communicate()
    assert running.returncode == 0
    assert contents(temporary) == []


async def hears(told: Path) -> Seen:
    """Wait for what the command tells."""

    def text() -> str:
        return told.read_text() if told.exists() else ""

    return cast("Seen", json.loads(await until(text, within=30)))


def plain() -> dict[str, str]:
    """Give this environment without servers: each stack starts its own."""
    return {name: value for name, value in os.environ.items() if name not in PROMISED | {"MAILER_SMTP_URL"}}


def contents(folder: str) -> list[str]:
    """Name what is in a folder."""
    return [path.name for path in Path(folder).iterdir()]


def living(seen: Seen) -> list[str]:
    """Name the parts whose process still runs."""
    return [name for name, pid in seen["pids"].items() if Path(f"/proc/{pid}/cmdline").exists()]


async def nothing_left(seen: Seen) -> None:
    """Assert that processes and folder are gone."""
    assert living(seen) == []
    assert not await asyncio.to_thread(Path(seen["environment"]["STACK_DIR"]).exists)
