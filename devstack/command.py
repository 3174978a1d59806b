"""The command that `run` runs beside a stack."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from devstack.interrupts import SIGNALLED, Interrupts
from devstack.program import Program

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
LAST_WORDS_SECONDS: Final = 10.0


async def run_command(words: Sequence[str], *, environment: Mapping[str, str], interrupts: Interrupts) -> int:
    """Run it with devstack's own terminal and give its status, as a shell would (127 when it is not found).

    A cancelled wait ends the command: a terminal's Ctrl-C has reached it already, so it has ten seconds for
    its last words; any other signal is passed on to it, with as much time.
    """
    program = Program(
        name=words[0],
        command=tuple(words),
        folder=Path.cwd(),
        environment=environment,
        orphan_with=signal.SIGTERM,
    )
    options = program.start_options() | {"start_new_session": False}
    try:
        process = await asyncio.create_subprocess_exec(*program.command, **options)
    except FileNotFoundError:
        print(f"devstack: {words[0]}: command not found", file=sys.stderr)
        return NOT_FOUND
    except PermissionError:
        print(f"devstack: {words[0]}: not executable", file=sys.stderr)
        return NOT_EXECUTABLE
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        status = await _end(process, by=interrupts.received)
    return SIGNALLED - status if status < 0 else status


async def _end(process: asyncio.subprocess.Process, *, by: signal.Signals | None) -> int:
    if not (by is signal.SIGINT and sys.stdin.isatty()):
        _send(process, by or signal.SIGTERM)
    for last_words in (signal.SIGTERM, signal.SIGKILL):
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                return await process.wait()
        except TimeoutError:
            _send(process, last_words)
    return await process.wait()


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)
