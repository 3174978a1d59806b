"""An SMTP server that fails on purpose, where and when a test's plan says so, and remembers all it saw.

async with FaultSmtp(rules(Rule(Phase.RCPT, Fault("451 4.3.0 Try again later"), first=2))) as smtp:
    ...                            # each recipient is put off twice, then accepted
    assert [mail.recipient for mail in smtp.accepted] == ["ada@example.org"]
"""

import asyncio
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import ClassVar, Self

from tests.support.smtp_faults import Asked, Fault, Phase, Plan, Rule, healthy, rules

__all__ = [
    "Accepted",
    "Asked",
    "DataBegun",
    "Fault",
    "FaultSmtp",
    "Phase",
    "Plan",
    "Rule",
    "healthy",
    "rules",
]

CONTENT_BYTES_MAX = 4 * 1024 * 1024
MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)

HEALTHY = {
    Phase.CONNECT: "220 fault.test ESMTP",
    Phase.EHLO: "250-fault.test\r\n250 8BITMIME",
    Phase.MAIL: "250 2.1.0 Sender ok",
    Phase.RCPT: "250 2.1.5 Recipient ok",
    Phase.DATA: "354 End data with <CR><LF>.<CR><LF>",
    Phase.CONTENT: "250 2.0.0 Accepted",
    Phase.RSET: "250 2.0.0 Forgotten",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that the server took responsibility for, whether its sender learned so or not."""

    message_id: str
    recipient: str
    at: float
    """Monotonic seconds."""
    raw: bytes


@dataclass(slots=True)
class DataBegun:
    """A DATA command and what came of it; times in monotonic seconds."""

    recipient: str
    begun_at: float
    message_id: str | None = None
    """Known once the content was read."""
    answered_at: float | None = None
    """When the final reply was written; None when it never was."""

    def under_way_at(self, moment: float) -> bool:
        """Tell whether a sender killed at `moment` could not know how this DATA ended."""
        return self.begun_at <= moment and (self.answered_at is None or moment <= self.answered_at)


class Dropped(Exception):
    """The plan ended the connection."""


@dataclass
class FaultSmtp:
    """The server, on loopback, as an async context manager; `stop` and `start` keep its port."""

    pipelining: ClassVar[bool] = False
    """Whether EHLO offers PIPELINING (RFC 2920), and what is said at once is answered in turn."""

    plan: Plan = healthy
    host: str = "127.0.0.1"
    port: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    data_begun: list[DataBegun] = field(default_factory=list)
    connections: int = 0
    """Connections made so far."""
    most_connections: int = 0
    """How many were open at once, at most."""
    most_mails: int = 0
    """How many mails were between MAIL and their end at once, at most."""
    reached: Counter[Phase] = field(default_factory=Counter)
    """How often each phase was reached, whatever was answered."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _mails: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _dialogues: set[asyncio.Task[None]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The address, as `MAILER_SMTP_URL` takes it."""
        return f"smtp://{self.host}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before once it has one."""
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, limit=CONTENT_BYTES_MAX, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection, as a server does that loses its power."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        for dialogue in list(self._dialogues):
            dialogue.cancel()
        await asyncio.gather(*self._dialogues, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def wait_for(self, count: int, *, within: float = 10.0) -> list[Accepted]:
        """Wait until `count` mails were accepted and give all. Raises `AssertionError` after `within` s."""
        try:
            async with asyncio.timeout(within):
                while len(self.accepted) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"{len(self.accepted)} of {count} mails were accepted in {within} s"
            ) from None
        return self.accepted

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._dialogues.add(task)
        self._open.add(writer)
        self.connections += 1
        self.most_connections = max(self.most_connections, len(self._open))
        dialogue = Dialogue(self, reader, writer)
        with suppress(Dropped, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await dialogue.hold()
        dialogue.end_mail()
        self._open.discard(writer)
        self._dialogues.discard(task)
        writer.transport.abort()

    def _fault(self, phase: Phase, *, recipient: str, seen: int) -> Fault:
        self.reached[phase] += 1
        asked = Asked(phase=phase, recipient=recipient, seen=seen or self.reached[phase])
        return self.plan(asked) or Fault()


class Dialogue:
    """One connection: what the client said last, and the mail it is at."""

    def __init__(self, server: FaultSmtp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._in_mail = False
        self._recipient = ""
        self._seen = 0
        self._refused = False
        """MAIL or RCPT was: DATA is, too, unless the plan says otherwise."""

    async def hold(self) -> None:
        """Answer until the client leaves. Raises `Dropped` when the plan says so."""
        await self._answer(Phase.CONNECT)
        while line := await self._reader.readline():
            verb = line[:4].upper().strip()
            if verb in {b"EHLO", b"HELO"}:
                await self._answer(Phase.EHLO)
            elif verb == b"MAIL":
                self._begin_mail()
                if not await self._answer(Phase.MAIL):
                    self.end_mail()
                    self._refused = True
            elif verb == b"RCPT":
                self._recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                self._server._seen[self._recipient] += 1
                self._seen = self._server._seen[self._recipient]
                if not await self._answer(Phase.RCPT):
                    self._refused = True
            elif verb == b"DATA":
                await self._data()
            elif verb == b"QUIT":
                await self._write("221 2.0.0 Bye")
                return
            elif verb == b"RSET":
                self.end_mail()
                await self._answer(Phase.RSET)
            else:
                await self._write("500 5.5.1 Not here")

    def end_mail(self) -> None:
        """Forget the mail that the connection is at, if it is at one."""
        self._server._mails -= self._in_mail
        self._in_mail, self._recipient, self._seen, self._refused = False, "", 0, False

    def _begin_mail(self) -> None:
        self.end_mail()
        self._in_mail = True
        self._server._mails += 1
        self._server.most_mails = max(self._server.most_mails, self._server._mails)

    async def _data(self) -> None:
        if self._refused:
            fault = self._server._fault(Phase.REFUSED_DATA, recipient=self._recipient, seen=0)
            if fault.silent:
                await self._reader.read()
                raise Dropped
            if fault.reply is None:
                await self._write("554 5.5.1 No valid recipients")
                return
        begun = DataBegun(recipient=self._recipient, begun_at=time.monotonic())
        self._server.data_begun.append(begun)
        if await self._answer(Phase.DATA):
            content = await self._reader.readuntil(b"\r\n.\r\n")
            raw = content[:-3].replace(b"\r\n..", b"\r\n.")
            found = MESSAGE_ID.search(raw)
            begun.message_id = found[1].decode() if found else ""
            await self._answer(Phase.CONTENT, accepting=Accepted(begun.message_id, self._recipient, 0, raw))
        begun.answered_at = time.monotonic()
        self.end_mail()

    async def _answer(self, phase: Phase, *, accepting: Accepted | None = None) -> bool:
        """Answer as planned; tells whether the answer was a positive one."""
        fault = self._server._fault(phase, recipient=self._recipient, seen=self._seen)
        reply = fault.reply or HEALTHY[phase]
        if phase is Phase.EHLO and self._server.pipelining and fault.reply is None:
            reply = reply.replace("250 8BITMIME", "250-PIPELINING\r\n250 8BITMIME")
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if accepting is not None and reply.startswith("2"):
            self._server.accepted.append(replace(accepting, at=time.monotonic()))
            self._server._changed.set()
        if fault.drop_before:
            raise Dropped
        if fault.silent:
            await self._reader.read()  # until the client has had enough
            raise Dropped
        await self._write(reply, byte_every=fault.byte_every)
        if fault.drop_after:
            raise Dropped
        return reply[0] in "23"

    async def _write(self, reply: str, *, byte_every: float = 0.0) -> None:
        encoded = reply.encode() + b"\r\n"
        if not byte_every:
            self._writer.write(encoded)
        else:
            for byte in encoded:
                self._writer.write(bytes([byte]))
                await asyncio.sleep(byte_every)
        await self._writer.drain()
