"""The skeletons of all mails: the standard library writes a mail with marks for facts, to be cut there."""

import re
import secrets
from collections.abc import Mapping
from typing import Final

import structlog

from mailer_service.mailing.headers import words_value
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.skeleton import ENVELOPE, HTML, TEXT, Skeleton
from mailer_service.mailing.standard import EIGHT_BIT, UNENCODED, assembled, boundary, head
from mailer_service.mailing.templates import Templates, Words

log = structlog.get_logger(__name__)

SKELETONS_MAX: Final = 1024
"""Several times what all mails in all languages come to, with each fact that may be empty."""

_TRIAL: Final = "<b>&amp;\"'`%s{{}}\\</b> ü 🙂 =_--\n." + " word" * 60


class DependsOnFacts(ValueError):
    """What a mail says around a fact changes with what the fact says: it can have no skeleton."""


class Skeletons:
    """The skeletons of mails from one sender, each made when it is first asked for."""

    def __init__(
        self,
        templates: Templates,
        *,
        sender: Mailbox,
        reply_to: Mailbox | None,
        count_max: int = SKELETONS_MAX,
    ) -> None:
        self._templates = templates
        self._count_max = count_max
        self._sender = sender
        self._reply_to = reply_to
        self._made: dict[tuple[str, str, frozenset[str]], Skeleton | None] = {}

    def __len__(self) -> int:
        return sum(made is not None for made in self._made.values())

    def of(self, mail: str, language: str, facts: Mapping[str, str]) -> Skeleton | None:
        """Give the skeleton of a mail in a language for these facts, by which of them are empty.

        None when the mail has none, or there are `count_max` already: the standard library writes it.
        """
        key = (mail, language, frozenset([name for name, fact in facts.items() if fact]))
        try:
            return self._made[key]
        except KeyError:
            if len(self._made) >= self._count_max:
                return None
            self._made[key] = made = self._compiled(mail, language, facts)
            return made

    def _compiled(self, mail: str, language: str, facts: Mapping[str, str]) -> Skeleton | None:
        told = {name: bool(fact) for name, fact in facts.items()}
        try:
            return compiled(
                mail, language, told, templates=self._templates, sender=self._sender, reply_to=self._reply_to
            )
        except DependsOnFacts as fault:
            log.warning("mail_not_compiled", template=mail, language=language, error=str(fault))
            return None


def compiled(
    mail: str,
    language: str,
    told: Mapping[str, bool],
    *,
    templates: Templates,
    sender: Mailbox,
    reply_to: Mailbox | None,
) -> Skeleton:
    """Make the skeleton of a mail; `told` names its facts, and which of them say anything.

    It is filled in on trial, to say what the templates say. Raises `DependsOnFacts` where it does not.
    """

    def written(words: Words, *, divider: str, **fields: str) -> bytes:
        written_fields = head(sender, reply_to, **fields)
        return assembled(written_fields, words, boundary=divider, policy=EIGHT_BIT, encoding="8bit")

    marks = _Marks()
    envelope = {name: marks.mark(name) for name in ENVELOPE}
    divider = UNENCODED + envelope.pop("boundary")
    facts = {name: marks.mark(TEXT + name) if says else "" for name, says in told.items()}
    words = templates.fill_in(mail, language, facts)
    html = words.html
    for name in filter(facts.get, facts):
        html = html.replace(facts[name], marks.mark(HTML + name))
    raw = written(Words(words.subject, words.text, html), divider=divider, **envelope)
    subject = [piece.removeprefix(TEXT) for piece in marks.cut(words.subject)]
    skeleton = Skeleton(marks.cut(raw.decode()), subject)

    trial = {name: f"{name} {_TRIAL}" if says else "" for name, says in told.items()}
    words = templates.fill_in(mail, language, trial)
    envelope = {"to": "a@b.test", "date": "Sun, 1 Mar 2026 14:05:00 +0000", "message_id": "<trial@b.test>"}
    divider = boundary(mail)
    filled = skeleton.joined(trial, divider=divider, **envelope)
    right = written(words, divider=divider, subject=words_value(words.subject, field="Subject"), **envelope)
    if filled != right:
        lines = zip(right.splitlines(), filled.splitlines(), strict=False)
        said, would = next((pair for pair in lines if pair[0] != pair[1]), (b"more", b"less"))
        raise DependsOnFacts(f"the mail says {said.decode()!r}, its skeleton would say {would.decode()!r}")
    return skeleton


class _Marks:
    """Words that stand for what varies. Random, so that no text has one by itself."""

    def __init__(self) -> None:
        self._token: Final = secrets.token_hex(13)
        self._names: Final[list[str]] = []

    def mark(self, name: str) -> str:
        """Give the mark of something: as long as a boundary, since the standard library folds by length."""
        self._names.append(name)
        return f"{self._token}{len(self._names) - 1:06}"

    def cut(self, marked: str) -> list[str]:
        """Cut at the marks: what stands between them, and their names, by turns."""
        pieces = re.split(rf"{self._token}(\d{{6}})", marked)
        pieces[1::2] = [self._names[int(number)] for number in pieces[1::2]]
        return pieces
