import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from devstack.process import NotRunning, StartFailed
from devstack.program import Program
from devstack.supervisor import Supervisor, together
from tests.support.waiting import until

# Says that it is up by a file, so that readiness is more than having been started.
WELL_BEHAVED = (
    "import pathlib, signal; pathlib.Path('up').touch(); print('hello', flush=True); signal.pause()"
)
TELLS_PID = f"import os; print(os.getpid(), flush=True); {WELL_BEHAVED}"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WELL_BEHAVED}"


def program(source: str, folder: Path) -> Program:
    return Program(name="one", command=(sys.executable, "-c", source), folder=folder)


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    lent = Supervisor(tmp_path)
    yield lent
    await lent.stop(lent.processes)


@pytest.fixture
def up(tmp_path: Path) -> Path:
    return tmp_path / "up"


async def test_what_dies_is_started_again(supervisor: Supervisor, tmp_path: Path, up: Path) -> None:
    process = await supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=answered(up))
    first, pid_file = process.pid, tmp_path / "pids" / "one"
    assert pid_file.read_text() == f"{first}\n"
    await process.kill()
    await process.wait_ready()
    assert process.pid != first
    assert process.starts == 2
    assert pid_file.read_text() == f"{process.pid}\n"
    assert "devstack: one was ended by SIGKILL" in supervisor.log("one").read_text()


async def test_what_died_unheard_cannot_be_signalled_and_is_stopped_all_the_same(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    process = await supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=answered(up))
    pid = process.pid
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):  # the loop's watcher was faster
        os.waitpid(pid, 0)  # noqa: ASYNC222  # the loop must not hear of it
    with pytest.raises(NotRunning):
        process.signal(signal.SIGTERM)
    await process.stop()
    assert not process.running


async def test_what_is_held_stays_down_until_it_is_started(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    process = await supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=answered(up))
    process.hold()
    await process.kill()
    assert not process.running
    with pytest.raises(StartFailed, match="is held down"):
        await process.wait_ready()
    with pytest.raises(NotRunning):
        process.signal(signal.SIGTERM)
    await process.start()
    assert process.running


async def test_a_clean_stop_is_a_signal_that_the_program_hears(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    process = await supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=answered(up))
    pid = process.pid
    await process.stop()
    assert not alive(pid)
    assert "ended by SIGTERM" in supervisor.log("one").read_text()
    assert not (tmp_path / "pids" / "one").exists()


async def test_a_frozen_program_can_be_stopped(supervisor: Supervisor, tmp_path: Path, up: Path) -> None:
    process = await supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=answered(up))
    process.signal(signal.SIGSTOP)
    await process.stop()
    assert "ended by SIGTERM" in supervisor.log("one").read_text()


async def test_what_does_not_stop_in_its_grace_is_killed(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    process = await supervisor.keep(program(DEAF, tmp_path), ready=answered(up), grace_seconds=0.2)
    await process.stop()
    log = supervisor.log("one").read_text()
    assert "did not stop within 0.2 s and was killed" in log
    assert "ended by SIGKILL" in log


async def test_a_program_that_cannot_start_is_told_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    broken = program("import sys; sys.exit('REDIS_URL: is missing')", tmp_path)
    with pytest.raises(StartFailed, match="one ended with status 1") as failed:
        await supervisor.keep(broken, ready=answered(up))
    assert "REDIS_URL: is missing" in failed.value.tail
    assert supervisor.processes["one"].starts == 1, "it was not tried again"


async def test_a_program_that_does_not_exist_is_told(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    missing = Program(name="one", command=(str(tmp_path / "nothing"),), folder=tmp_path)
    with pytest.raises(StartFailed, match=r"cannot be started: .*No such file"):
        await supervisor.keep(missing, ready=answered(up))


async def test_a_program_that_never_gets_ready_is_told(supervisor: Supervisor, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    process = supervisor.keep(program(WELL_BEHAVED, tmp_path), ready=never, ready_within_seconds=0.2)
    with pytest.raises(StartFailed, match=r"was not ready after 0\.2 s"):
        await process


async def test_a_task_that_fails_is_told_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with pytest.raises(StartFailed, match="one ended with status 3") as failed:
        await supervisor.run(program("print('no database'); raise SystemExit(3)", tmp_path))
    assert failed.value.tail == "no database"


async def test_the_first_failure_ends_what_runs_beside_it(
    supervisor: Supervisor, tmp_path: Path, up: Path
) -> None:
    async def fail() -> None:
        await until(up.exists, within=10)
        raise StartFailed("other", "failed", tail="")

    async def run_both() -> None:
        async with together() as group:
            group.create_task(supervisor.run(program(TELLS_PID, tmp_path)))
            group.create_task(fail())

    with pytest.raises(StartFailed, match="other failed"):
        await run_both()
    pid = int(supervisor.log("one").read_text().split()[0])
    assert not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_nothing_outlives_a_parent_that_was_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    child = "import os, pathlib, signal; pathlib.Path('child').write_text(str(os.getpid())); signal.pause()"
    parent = f"""
import subprocess, sys, pathlib, signal
from devstack.program import Program
child = Program(name="child", command=(sys.executable, "-c", {child!r}), folder=pathlib.Path.cwd())
subprocess.Popen(child.command, **child.start_options())
signal.pause()
"""
    process = await supervisor.keep(program(parent, tmp_path), ready=answered(tmp_path / "child"))
    pid = int(await until((tmp_path / "child").read_text, within=5))
    process.hold()
    await process.kill()
    await until(lambda: not alive(pid), within=5)


def answered(path: Path) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return await asyncio.to_thread(path.exists)

    return ready


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
