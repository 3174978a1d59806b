"""One mail through one SMTP dialogue, under a deadline, and what the dialogue's end means."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contracts.tracing import Span, span
from mailer_service.mailing.masking import masked
from mailer_service.mailing.replies import Phase, Verdict, classify_silence
from mailer_service.mailing.smtp_connection import Envelope, Progress, SmtpConnection, SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The server has the mail and said so."""

    reply: str


@dataclass(frozen=True, slots=True)
class NotBegun:
    """There was no leave to begin: the content was not begun, and the server cannot have the mail."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The dialogue did not come to a 250; `error` says why, without address or code."""

    verdict: Verdict
    error: str


class _Refrained(Exception):
    """Leaves the pool's block by the way that drops the connection."""


async def hand_over(
    write: Callable[[SmtpConnection], bytes],
    *,
    envelope: Envelope,
    pool: SmtpPool,
    may_begin: Callable[[], bool],
    begin_data: Callable[[], bool],
    until: float,
    secrets: Iterable[str],
    counted: Callable[[], None] = lambda: None,
) -> HandedOver | NotBegun | Failed:
    """Give a mail to the server, by the loop's time `until`. `secrets` are masked in what comes back.

    `write` writes the mail for the server that gets it: lines ended by CRLF, and nothing beyond ASCII but
    what the connection's `eight_bit` allows, and its `utf8` where the envelope itself is beyond ASCII.

    `may_begin` is asked before DATA is said, which may be together with MAIL, and `begin_data` before the
    content: between the two the process may have been stopped for longer than its claim holds. `counted` is
    told once DATA was answered: whatever the server counts mails by lies before that.
    """
    progress = Progress()

    def leave() -> None:
        _ask(may_begin)

    with span("smtp", kind="client", attributes={"porter.provider": pool.url.provider}) as told:
        try:
            async with (
                asyncio.timeout_at(until),
                pool.begun(envelope, progress, leave=leave) as connection,
            ):
                await connection.rcpt(envelope, progress)
                raw = write(connection)
                await connection.data_command(progress, leave=leave)
                counted()
                _ask(begin_data)
                reply = await connection.content(raw, progress)
        except _Refrained:
            return NotBegun()
        except SmtpEnded as ended:
            _tell_end(told, ended.phase, ended.code)
            return Failed(ended.verdict, masked(ended.words(), secrets=secrets))
        except TimeoutError:
            _tell_end(told, progress.phase, None)
            phase = progress.phase.name.lower()
            return Failed(classify_silence(progress.phase, "timeout"), f"{phase}: no answer by the deadline")
        told.note({"smtp.phase": progress.phase.name.lower(), "smtp.reply_code": int(reply[:3])})
        return HandedOver(masked(reply, secrets=secrets))


def _tell_end(told: Span, phase: Phase, code: int | None) -> None:
    """Tell where the dialogue ended and by which reply; not its text, which may repeat the recipient."""
    told.note({"smtp.phase": phase.name.lower()})
    if code is not None:
        told.note({"smtp.reply_code": code})
    told.fail("no_reply" if code is None else str(code))


def _ask(leave: Callable[[], bool]) -> None:
    if not leave():
        raise _Refrained
