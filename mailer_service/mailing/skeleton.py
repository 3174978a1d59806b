"""A mail that is finished but for what varies: constant bytes, and between them the places of its facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from markupsafe import escape

from mailer_service.mailing.headers import words_value
from mailer_service.mailing.standard import UNENCODED, boundary

LINE_BYTES_MAX: Final = 998
"""RFC 5322, 2.1.1, without the CRLF."""

ENVELOPE: Final = ("to", "subject", "date", "message_id", "boundary")
"""What varies in every mail; `boundary` without what every boundary begins with."""
TEXT, HTML = "text ", "html "
"""What stands before a fact's name, where the fact stands in that part."""

_DELIMITERS: Final = 3
"""How often the boundary begins a line: before each of two parts, and after the last."""


class Skeleton:
    """What is the same in every such mail, in pieces, and what stands between each two."""

    def __init__(self, mail: Sequence[str], subject: Sequence[str]) -> None:
        """Take a mail and its subject in pieces: what they say, and the name of what follows it, by turns."""
        self._subject: Final = tuple(subject)
        self._pieces: Final = [b"" if at % 2 else piece.encode() for at, piece in enumerate(mail)]
        places = {
            name: [at for at, each in enumerate(mail) if at % 2 and each == name] for name in mail[1::2]
        }
        self._envelope: Final = [(name, places[name]) for name in ENVELOPE]
        self._texts: Final = _beginning(TEXT, places)
        self._htmls: Final = _beginning(HTML, places)
        same = b"".join(self._pieces)
        self._same_bytes: Final = len(same)
        self._same_line_bytes: Final = _longest_line(same)

    def filled_in(self, facts: Mapping[str, str], *, to: str, date: str, message_id: str) -> bytes | None:
        """Write the mail. None where it cannot be said so: a line grows too long, or a fact has the boundary.

        `to` and `date` are values of their fields, as `head` takes them. Raises `HeaderRefused`.
        """
        divider = boundary(message_id)
        raw = self.joined(facts, to=to, date=date, message_id=message_id, divider=divider)
        line_bytes = (
            self._same_line_bytes + len(raw) - self._same_bytes
        )  # if all that varies were in one line
        if line_bytes > LINE_BYTES_MAX and _longest_line(raw) > LINE_BYTES_MAX:
            return None
        return raw if raw.count(f"\n--{divider}".encode()) == _DELIMITERS else None

    def joined(self, facts: Mapping[str, str], *, to: str, date: str, message_id: str, divider: str) -> bytes:
        """Write the mail, whatever it becomes. Raises `HeaderRefused`."""
        subject = "".join([facts[each] if at % 2 else each for at, each in enumerate(self._subject)])
        envelope = {
            "to": to,
            "subject": words_value(" ".join(subject.split()), field="Subject"),
            "date": date,
            "message_id": message_id,
            "boundary": divider.removeprefix(UNENCODED),
        }
        pieces = self._pieces.copy()
        for name, places in self._envelope:
            _put(envelope[name], pieces, places)
        for name, places in self._texts:
            _put(facts[name].replace("\n", "\r\n"), pieces, places)
        for name, places in self._htmls:
            _put(escape(facts[name]).replace("\n", "\r\n"), pieces, places)
        return b"".join(pieces)


def _beginning(kind: str, places: Mapping[str, list[int]]) -> list[tuple[str, list[int]]]:
    return [(name.removeprefix(kind), found) for name, found in places.items() if name.startswith(kind)]


def _put(value: str, pieces: list[bytes], places: Iterable[int]) -> None:
    written = value.encode()
    for at in places:
        pieces[at] = written


def _longest_line(raw: bytes) -> int:
    return max(map(len, raw.split(b"\r\n")))
