"""What an SMTP reply, or the lack of one, means for a mail: a pure function of phase and code (RFC 5321)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Literal


class Phase(Enum):
    """Where in the dialogue something ended it, in the order of the dialogue."""

    CONNECT = auto()
    EHLO = auto()
    STARTTLS = auto()
    AUTH = auto()
    MAIL = auto()
    RCPT = auto()
    DATA_COMMAND = auto()
    """DATA was said; the mail's content has not begun, so the server cannot have the mail."""
    DATA = auto()
    """The content began to be written: without a reply nobody knows whether the server has the mail."""


BEFORE_MAIL: Final = frozenset({Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH})


@dataclass(frozen=True, slots=True)
class Outage:
    """The server, the network or our own account is at fault: no mail would get through now.

    `hint` is when the server said to come back, whoever comes.
    """

    hint: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Passing:
    """The mail may get through later; `hint` is when the server said to come back."""

    reason: str
    hint: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The mail will never get through; `bounced` says that no other mail to this address would, either."""

    reason: Literal["recipient_refused", "message_refused"]
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """The server may or may not have taken the mail."""


Verdict = Outage | Passing | Refused | Unclear

BOUNCES: Final = frozenset({"5.1.1", "5.1.6", "5.1.10"})
"""No such mailbox, moved, a domain without mail (RFC 3463, RFC 7505): it is about the address alone."""

OUR_SENDER: Final = frozenset({"5.1.7", "5.1.8"})
"""A wrong sender (RFC 3463), which a server may say to RCPT: it is about us, and every mail would meet it."""

NO_UTF8: Final = "5.6.7"
"""An address beyond ASCII is not taken (RFC 6531): though not a 5.1.x, it is about the address."""

HINT_LEAST: Final = timedelta(seconds=1)
HINT_MOST: Final = timedelta(hours=1)

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_HINT = re.compile(
    r"\b(?:in|after|within|wait|least|for|retry[- ]after:?)\s+"
    r"(?:(?P<clock>\d{1,3}:\d{2}:\d{2}|\d{1,3}:\d{2}(?!:))"
    r"|(?P<count>\d{1,6}|an?|one)\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?))\b",
    re.IGNORECASE,
)
_LOOKING_BACK = re.compile(r"\btime(?:d[- ]?)?[- ]?out\b|\bidle\b", re.IGNORECASE)
"""What such a reply counts is over: `Timed out after 300 seconds` asks nobody to wait for as long."""

_UNITS: Final = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}


def enhanced_code(text: str) -> str | None:
    """Read the enhanced status code (RFC 3463) that a reply's text begins with, as in `5.1.1`."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


_WINDOW = re.compile(
    r"(?:\d|messages|mails?|connections|recipients|errors|commands|requests|attempts|deliveries)\s+$",
    re.IGNORECASE,
)
"""What comes before the time that a limit is for: `too many messages in 1 hour` tells of no moment."""


def hint(text: str) -> timedelta | None:
    """Read when the server wants to be asked again: "try again in 60 seconds"; between 1 s and 1 h."""
    every = _HINT.finditer(text)
    found = next(
        (one for one in every if not _WINDOW.search(text[max(0, one.start() - 20) : one.start()])), None
    )
    if found is None or _LOOKING_BACK.search(text, 0, found.start()):
        return None
    if found["clock"]:
        seconds = 0
        for part in found["clock"].split(":"):
            seconds = seconds * 60 + int(part)
        wait = timedelta(seconds=seconds)
    else:
        count = int(found["count"]) if found["count"].isdecimal() else 1
        wait = count * _UNITS[found["unit"][0].lower()]
    return min(max(wait, HINT_LEAST), HINT_MOST)


def classify(phase: Phase, code: int, enhanced: str | None, text: str) -> Verdict:
    """Judge a reply that is not the one hoped for.

    Anything before MAIL is an outage, and so is a 5xx to MAIL (but for 5.6.7, which is about a recipient's
    address), or one to RCPT whose enhanced code blames the sender: it is about us, not about this mail. A 4xx
    passes, 421 included once MAIL has begun. Any other 5xx to RCPT or DATA is final, and to RCPT it is a
    bounce where its enhanced code says so; without one nobody knows what a 550 is about. A reply that is no
    answer to what was said (a 2xx, a 3xx, or no SMTP at all) is not trusted: after content was written that
    is unclear.
    """
    if phase in BEFORE_MAIL:
        return Outage(hint(text))
    match code // 100:
        case 4:
            return Passing("server_said_later", hint(text))
        case 5 if (phase is Phase.MAIL and enhanced != NO_UTF8) or (
            phase is Phase.RCPT and enhanced in OUR_SENDER
        ):
            return Outage()
        case 5:
            bounced = phase is Phase.RCPT and enhanced in BOUNCES
            return Refused(_whose_fault(phase, code, enhanced), bounced=bounced)
        case _:
            return Unclear() if phase is Phase.DATA else Passing("unexpected_reply")


def classify_silence(phase: Phase, reason: Literal["connection_lost", "timeout"]) -> Verdict:
    """Judge a dialogue that ended at `phase` without a reply."""
    if phase in BEFORE_MAIL:
        return Outage()
    return Unclear() if phase is Phase.DATA else Passing(reason)


def _whose_fault(
    phase: Phase, code: int, enhanced: str | None
) -> Literal["recipient_refused", "message_refused"]:
    """Tell a wrong address (5.1.x, 5.6.7, or a bare 550 to RCPT) from everything else that is final."""
    if enhanced is not None:
        about_address = enhanced.startswith("5.1.") or enhanced == NO_UTF8
        return "recipient_refused" if about_address else "message_refused"
    return "recipient_refused" if phase is Phase.RCPT and code == 550 else "message_refused"  # noqa: PLR2004 - an SMTP code
