"""`python -m devstack`: the whole stack on this machine."""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from devstack.command import run_command
from devstack.console import Console, follow
from devstack.interrupts import Interrupts
from devstack.logfile import tail
from devstack.ports import is_free
from devstack.process import StartFailed
from devstack.stack import Stack
from devstack.tour import NEWCOMER, take_tour
from devstack.visitor import Unexpected

AUTH_PORT: Final = 8000
INBOX_PORT: Final = 8025
SHOWN: Final = ("auth", "mailer")
"""Whose lines a demo shows, and a failed tour: the services', not the servers'."""


async def up(chosen: argparse.Namespace, console: Console, interrupts: Interrupts) -> int:
    """Start all and show the lines of all until Ctrl-C."""
    stack = _stack_for_people(chosen, interrupts)
    console.say("starting Postgres, Redis, the inbox, auth and mailer …")
    async with stack:
        console.done(f"all is up, {stack.started_in_seconds:.1f} s")
        _show_addresses(stack, console)
        return await _stay(stack, console)


async def tour(chosen: argparse.Namespace, console: Console, interrupts: Interrupts) -> int:
    """Start all, take the tour, stop all."""
    del chosen
    stack = Stack()
    interrupts.hurry = stack.kill_all
    async with stack:
        console.done(f"the stack is up, {stack.started_in_seconds:.1f} s")
        return await _take_tour(stack, console)


async def demo(chosen: argparse.Namespace, console: Console, interrupts: Interrupts) -> int:
    """Start all, take the tour, then stay up until Ctrl-C."""
    stack = _stack_for_people(chosen, interrupts)
    console.say("starting Postgres, Redis, the inbox, auth and mailer …")
    async with stack:
        console.done(f"all is up, {stack.started_in_seconds:.1f} s")
        if status := await _take_tour(stack, console):
            return status
        _show_addresses(stack, console)
        return await _stay(stack, console, from_start=False)


async def run(chosen: argparse.Namespace, console: Console, interrupts: Interrupts) -> int:
    """Start all, run a command beside it, stop all, and end as the command did."""
    del console
    stack = Stack(auths=chosen.auths, mailers=chosen.mailers)
    interrupts.hurry = stack.kill_all
    async with stack:
        environment = os.environ | stack.environment
        return await run_command(chosen.command, environment=environment, interrupts=interrupts)


def _stack_for_people(chosen: argparse.Namespace, interrupts: Interrupts) -> Stack:
    if chosen.port and not is_free(chosen.port):
        raise ValueError(f"--port: {chosen.port} is taken: choose another, or leave it out")
    stack = Stack(
        auths=chosen.auths,
        mailers=chosen.mailers,
        port=chosen.port or AUTH_PORT,
        inbox_port=INBOX_PORT,
        log_format="console",
    )
    interrupts.hurry = stack.kill_all
    return stack


async def _take_tour(stack: Stack, console: Console) -> int:
    if not stack.environment["INBOX_URL"]:
        console.say(
            "no tour: it reads the inbox; set INBOX_URL to the Mailpit API of the server in MAILER_SMTP_URL"
        )
        return 0
    # A database that was there before may know Ada already.
    known = "DATABASE_URL" in os.environ
    newcomer = f"ada-{secrets.token_hex(3)}@example.org" if known else NEWCOMER
    try:
        await take_tour(stack.environment, tell=console.done, newcomer=newcomer)
    except Unexpected as unexpected:
        console.failed(str(unexpected))
        for name in stack.names:
            if name.startswith(SHOWN):
                console.failed(f"the end of {name}'s log:", tail=tail(stack.log(name)))
        return 1
    return 0


def _show_addresses(stack: Stack, console: Console) -> None:
    url = stack.environment["AUTH_URL"]
    console.say()
    console.say(f"  Sign in     {url}/login")
    console.say(f"  Register    {url}/register")
    console.say(f"  Inbox       {stack.environment['INBOX_URL'] or 'your own SMTP server'}")
    console.say(f"  Let in      {url}/admin as {stack.environment['ADMIN_EMAIL']} (the code is in the inbox)")
    console.say(f"  Logs        {stack.folder}/logs")
    console.say()
    console.say("  Ctrl-C stops everything.")
    console.say()


async def _stay(stack: Stack, console: Console, *, from_start: bool = True) -> int:
    logs = {name: stack.log(name) for name in stack.names if from_start or name.startswith(SHOWN)}
    try:
        await follow(logs, console=console, from_start=from_start)
    except asyncio.CancelledError:
        console.say()
        console.say("stopping …")
    return 0


COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Console, Interrupts], Coroutine[Any, Any, int]]]] = {
    "up": up,
    "tour": tour,
    "demo": demo,
    "run": run,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status: 1 when the stack does not start."""
    parser = _parser()
    chosen = parser.parse_args(words)
    if chosen.name == "run":
        chosen.command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
        if not chosen.command:
            parser.error("run: name a command after --")
    console = Console(sys.stderr if chosen.name == "run" else sys.stdout)
    interrupts = Interrupts()
    try:
        return asyncio.run(_interruptible(chosen, console, interrupts))
    except StartFailed as failed:
        console.failed(str(failed), tail=failed.tail)
    except ValueError as wrong:
        console.failed(str(wrong))
    return 1


async def _interruptible(chosen: argparse.Namespace, console: Console, interrupts: Interrupts) -> int:
    return await interrupts.run(COMMANDS[chosen.name](chosen, console, interrupts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devstack", description="The whole stack on this machine."
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=(does.__doc__ or "").strip(), description=does.__doc__)
        if name in {"up", "demo"}:
            command.add_argument("--port", type=int, help="the port to sign in at (8000 if it is free)")
        if name != "tour":
            command.add_argument("--mailers", type=int, default=1, help="how many mailers (1)")
            command.add_argument("--auths", type=int, default=1, help="how many auth services (1)")
        if name == "run":
            command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser
