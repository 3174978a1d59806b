import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from devstack.command import run_command
from devstack.interrupts import Interrupts
from tests.support.waiting import until


def run(source: str, **environment: str) -> asyncio.Task[int]:
    interrupts = Interrupts()
    work = run_command(
        [sys.executable, "-c", source], environment=os.environ | environment, interrupts=interrupts
    )
    return asyncio.create_task(interrupts.run(work))


async def test_the_commands_status_is_the_status() -> None:
    status = run("import os, sys; sys.exit(int(os.environ['GIVEN']))", GIVEN="7")
    assert await status == 7


async def test_a_command_that_a_signal_ended_has_a_shells_status() -> None:
    status = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert await status == 128 + 9


async def test_a_command_that_is_not_there_has_a_shells_status(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    work = run_command(["no-such-command"], environment=os.environ, interrupts=interrupts)
    assert await interrupts.run(work) == 127
    assert "no-such-command: command not found" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_is_passed_on_to_the_command(number: signal.Signals, tmp_path: Path) -> None:
    up = tmp_path / "up"
    status = run(
        "import os, pathlib, signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(5))\n"
        "pathlib.Path(os.environ['UP']).touch()\n"
        "signal.pause()",
        UP=str(up),
    )
    await until(up.exists, within=10)
    os.kill(os.getpid(), number)
    assert await status == 5


async def test_a_second_signal_hurries() -> None:
    hurried = asyncio.Event()

    async def stubborn() -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            os.kill(os.getpid(), signal.SIGTERM)
            await hurried.wait()
        return 4

    interrupts = Interrupts(hurry=hurried.set)
    status = asyncio.create_task(interrupts.run(stubborn()))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await status == 4


async def test_work_that_a_signal_ended_has_a_shells_status() -> None:
    async def patient() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        return 0

    assert await Interrupts().run(patient()) == 128 + 15
