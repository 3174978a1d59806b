"""Replies are read in order, however they come; whatever is no reply ends the connection."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from mailer_service.mailing.smtp_dialogue import NO_REPLY_CODE, REPLY_BYTES_MAX, Reply, SmtpDialogue


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.protocol: asyncio.Protocol | None = None
        self.ended = ""

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return bool(self.ended)

    def abort(self) -> None:
        self.ended = "aborted"

    def close(self) -> None:
        self.ended = "closed"


def begun() -> tuple[SmtpDialogue, Wire]:
    wire = Wire()
    dialogue = SmtpDialogue(cast("asyncio.Transport", wire))
    assert wire.protocol is dialogue
    return dialogue, wire


THREE = b"250 2.1.0 Ok\r\n250-2.1.5 Fine\r\n250 really\r\n354 Go on\r\n"


@pytest.mark.parametrize("bytes_each", [1, 3, 7, 1000])
async def test_replies_come_in_order_however_they_are_cut(bytes_each: int) -> None:
    dialogue, wire = begun()
    dialogue.say(b"MAIL\r\n", b"RCPT\r\n", b"DATA\r\n")
    assert wire.written == b"MAIL\r\nRCPT\r\nDATA\r\n"
    for at in range(0, len(THREE), bytes_each):
        dialogue.data_received(THREE[at : at + bytes_each])
    replies = [await dialogue.reply() for _ in range(3)]
    assert replies == [Reply(250, "2.1.0 Ok"), Reply(250, "2.1.5 Fine\nreally"), Reply(354, "Go on")]
    assert dialogue.usable


@pytest.mark.parametrize(
    ("written", "reply"),
    [
        (b"250\r\n", Reply(250, "")),
        (b"250 Ok\n", Reply(250, "Ok")),
        (b"250-\r\n250 Ok\r\n", Reply(250, "\nOk")),
        (b"550 \xc3\xa9\xff\r\n", Reply(550, "é\udcff")),
    ],
)
async def test_odd_replies_are_replies(written: bytes, reply: Reply) -> None:
    dialogue, _ = begun()
    dialogue.say(b"MAIL\r\n")
    dialogue.data_received(written)
    assert await dialogue.reply() == reply
    assert dialogue.usable


@pytest.mark.parametrize(
    "written", [[b"nonsense\r\n"], [b"25 Ok\r\n"], [b"250x\r\n"], [b"\r\n"], [b"250-\r\n"] * 20_000]
)
async def test_what_is_no_reply_ends_the_connection(written: Sequence[bytes]) -> None:
    dialogue, wire = begun()
    dialogue.say(b"MAIL\r\n", b"RCPT\r\n")
    for each in written:
        dialogue.data_received(each)
    assert (await dialogue.reply()).code == NO_REPLY_CODE
    with pytest.raises(ConnectionError):
        await dialogue.reply()
    assert wire.ended == "aborted"


async def test_an_endless_line_ends_the_connection() -> None:
    dialogue, wire = begun()
    dialogue.say(b"MAIL\r\n")
    dialogue.data_received(b"2" * (REPLY_BYTES_MAX + 1))
    assert (await dialogue.reply()).code == NO_REPLY_CODE
    assert wire.ended == "aborted"


async def test_a_reply_that_nobody_asked_for_ends_the_connection_and_answers_nothing() -> None:
    dialogue, wire = begun()
    dialogue.say(b"MAIL\r\n")
    dialogue.data_received(b"250 Ok\r\n421 Goodbye\r\n")
    assert await dialogue.reply() == Reply(250, "Ok")
    assert wire.ended == "aborted"
    with pytest.raises(ConnectionError):
        dialogue.say(b"RCPT\r\n")


async def test_who_waits_learns_of_the_end() -> None:
    dialogue, _ = begun()
    dialogue.say(b"MAIL\r\n")
    waiting = asyncio.create_task(dialogue.reply())
    await asyncio.sleep(0)
    dialogue.connection_lost(None)
    with pytest.raises(ConnectionError):
        await waiting


async def test_who_is_cancelled_may_ask_again() -> None:
    dialogue, _ = begun()
    dialogue.say(b"MAIL\r\n")
    waiting = asyncio.create_task(dialogue.reply())
    await asyncio.sleep(0)
    waiting.cancel()
    dialogue.data_received(b"250 Ok\r\n")
    assert await dialogue.reply() == Reply(250, "Ok")


async def test_leaving_says_so() -> None:
    dialogue, wire = begun()
    dialogue.leave()
    assert (wire.written, wire.ended) == (b"QUIT\r\n", "closed")
    dialogue.leave()
    assert wire.written == b"QUIT\r\n"
