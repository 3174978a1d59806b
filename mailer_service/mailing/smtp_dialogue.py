"""What is said to a server that is ready for mail: many commands at once, and a reply to each, in order."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

REPLY_BYTES_MAX: Final = 64 * 1024
"""A reply of so many lines is none."""

NO_REPLY_CODE: Final = -1
"""Of what a server said that is no reply (RFC 5321, 4.2)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its code, and its text, lines joined by line feeds."""

    code: int
    text: str


class SmtpDialogue(asyncio.Protocol):
    """Takes a connection over from whoever greeted, secured and logged in; nothing of theirs is unread.

    One waits for replies at a time. A reply that nobody asked for, such as a goodbye to an idle client, makes
    the connection unusable, and so does whatever is no reply.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport: Final = transport
        self._unread = bytearray()
        self._lines: list[bytes] = []
        self._reply_bytes = 0
        """What has come of a reply that is not whole yet."""
        self._replies: Final[deque[Reply]] = deque()
        self._awaited = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_sound = True
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether more can be said, as far as the operating system has told."""
        return self._is_sound and not self._transport.is_closing()

    def say(self, *commands: bytes) -> None:
        """Say commands, each ended by CRLF and answered by one reply. Raises `ConnectionError`."""
        if not self.usable:
            raise ConnectionResetError("the connection was lost")
        self._awaited += len(commands)
        self._transport.write(b"".join(commands))

    async def reply(self) -> Reply:
        """Wait for the next reply. Raises `ConnectionError`. Who is cancelled may ask again for the same."""
        while not self._replies:
            if not self.usable:
                raise ConnectionResetError("the connection was lost")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._awaited -= 1
        return self._replies.popleft()

    async def skip_replies(self) -> list[Reply]:
        """Wait for the replies to everything that was said, which nobody needs any more."""
        return [await self.reply() for _ in range(self._awaited)]

    def drop(self) -> None:
        """Cut the connection; what was not sent yet never is."""
        self._is_sound = False
        self._transport.abort()

    def leave(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        if self.usable:
            self._transport.write(b"QUIT\r\n")
        self._is_sound = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Read what has come; nothing more, once the connection is unusable."""
        self._unread += data
        self._reply_bytes += len(data)
        *lines, rest = self._unread.split(b"\n")
        self._unread = bytearray(rest)
        for line in lines:
            if self._is_sound:
                self._read(bytes(line))
        if self._reply_bytes > REPLY_BYTES_MAX and self._is_sound:
            self._heard(Reply(NO_REPLY_CODE, "a reply without an end"))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """Tell whoever waits."""
        self._is_sound = False
        self._wake()

    def _read(self, line: bytes) -> None:
        code, text = line[:3], line[3:]
        if not (code.isdigit() and text[:1] in {b"", b" ", b"-", b"\r"}):
            self._heard(Reply(NO_REPLY_CODE, f"no reply: {line[:80].decode(errors='replace').strip()}"))
            return
        self._lines.append(text[1:].strip())
        if text[:1] != b"-":
            said = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
            self._lines.clear()
            self._reply_bytes = len(self._unread)
            self._heard(Reply(int(code), said))

    def _heard(self, reply: Reply) -> None:
        is_awaited = len(self._replies) < self._awaited
        if is_awaited:
            self._replies.append(reply)
        if reply.code == NO_REPLY_CODE or not is_awaited:
            self.drop()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
