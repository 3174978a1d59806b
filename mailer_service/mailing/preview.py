"""Every mail as its readers get it, with made-up names, written to files to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import tag
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.samples import AT, sample_letter
from mailer_service.mailing.templates import Templates

PAGES: Final = Path(__file__).parent / "previews"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One mail in one language: what it is called, its subject, and the name that its files begin with."""

    mail: str
    language: str
    subject: str
    stem: str


def write_preview(
    folder: Path,
    *,
    mails: Iterable[str],
    languages: Iterable[str],
    brand: Brand,
    sender: Mailbox,
    reply_to: Mailbox | None,
    public_url: str,
) -> Sequence[Sheet]:
    """Write each mail in each language as .html, .txt and .eml, and an index.html that shows them all.

    The .eml has the bytes that a server with 8BITMIME gets, as nearly every server has it.

    Raises `OSError`. Files of the same names are written over; others in the folder stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    templates = Templates(brand=brand, public_url=public_url)
    renderer = Renderer(sender=sender, public_url=public_url, reply_to=reply_to, brand=brand)
    sheets = [
        _write_mail(folder, mail, language, templates=templates, renderer=renderer)
        for mail, language in product(mails, languages)
    ]
    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
    index = environment.get_template("index.html").render(sheets=sheets, service=brand.name)
    (folder / "index.html").write_text(index, encoding="utf-8")
    return sheets


def _write_mail(folder: Path, mail: str, language: str, *, templates: Templates, renderer: Renderer) -> Sheet:
    letter = sample_letter(mail, language)
    words = templates.words(letter)
    stem = f"{mail}.{tag(language)}"
    (folder / f"{stem}.html").write_text(words.html, encoding="utf-8")
    (folder / f"{stem}.txt").write_text(f"Subject: {words.subject}\n\n{words.text}", encoding="utf-8")
    identity = f"<{stem}@{renderer.sender.domain}>"
    raw = renderer.render(letter, message_id=identity, written_at=AT, eight_bit=True)
    (folder / f"{stem}.eml").write_bytes(raw)
    return Sheet(mail=mail, language=tag(language), subject=words.subject, stem=stem)
