import asyncio
import io
from pathlib import Path

from devstack.console import Console, follow
from tests.support.waiting import until


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_only() -> None:
    piped, shown = io.StringIO(), Terminal()
    Console(piped).done("works")
    Console(shown).done("works")
    assert piped.getvalue() == "✓ works\n"
    assert "\x1b[32m✓" in shown.getvalue()


def test_each_programs_lines_stand_behind_its_name_in_its_own_colour() -> None:
    shown = Terminal()
    console = Console(shown)
    for name in ("auth-1", "redis", "auth-1"):
        console.line_of(name, "hello", width=6)
    first, second, third = shown.getvalue().splitlines()
    assert "auth-1 |" in first
    assert "redis  |" in second
    assert first == third
    assert first.split("m")[0] != second.split("m")[0]


async def test_only_finished_lines_of_a_growing_log_are_shown(tmp_path: Path) -> None:
    log, output = tmp_path / "auth-1.log", io.StringIO()
    log.write_text("one\ntw")
    following = asyncio.create_task(follow({"auth-1": log}, console=Console(output)))
    try:
        await until(lambda: output.getvalue() == "auth-1 | one\n", within=5)
        with log.open("a") as opened:
            opened.write("o\n")
        await until(lambda: output.getvalue() == "auth-1 | one\nauth-1 | two\n", within=5)
    finally:
        following.cancel()


async def test_following_from_now_on_leaves_out_what_was(tmp_path: Path) -> None:
    log, output = tmp_path / "auth-1.log", io.StringIO()
    log.write_text("old\n")
    following = asyncio.create_task(follow({"auth-1": log}, console=Console(output), from_start=False))
    try:
        await asyncio.sleep(0)
        with log.open("a") as opened:
            opened.write("new\n")
        await until(lambda: output.getvalue() == "auth-1 | new\n", within=5)
    finally:
        following.cancel()
