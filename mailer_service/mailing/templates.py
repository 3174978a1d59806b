"""The mails' words: a folder for each mail in `templates/`, compiled once, filled in for each letter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import LANGUAGES, language_for, tag
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.wording import worded

TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says: its subject, on one line, and the same letter twice, lines ended by LF."""

    subject: str
    text: str
    html: str


class Templates:
    """The templates of every mail, about the service at `public_url`. Making them reads and compiles all."""

    def __init__(self, *, brand: Brand, public_url: str) -> None:
        facts = {
            "service": brand.name,
            "host": urlsplit(public_url).netloc,
            "admin_url": f"{public_url}/admin",
            "login_url": f"{public_url}/login",
            "account_url": f"{public_url}/account",
        }
        self.mails: Final = tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()))
        self._compiled: Final = {
            language: _compile(_environment(language, facts), self.mails) for language in LANGUAGES
        }

    def words(self, letter: Letter) -> Words:
        """Write a letter in its reader's language."""
        language = language_for(letter.locale)
        return self.fill_in(letter.template, language, worded(letter.facts, language))

    def fill_in(self, mail: str, language: str, facts: Mapping[str, str]) -> Words:
        """Fill a mail in with facts that are words already (`worded`), or with marks that stand for them.

        Of a fact a template asks only whether it is empty; what it says never changes what stands around it.
        """
        subject, text, html = self._compiled[language][mail]
        return Words(" ".join(subject.render(facts).split()), text.render(facts), html.render(facts))


def _environment(language: str, facts: Mapping[str, str]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(facts, lang=tag(language))
    return environment


def _compile(
    environment: Environment, mails: Iterable[str]
) -> Mapping[str, tuple[Template, Template, Template]]:
    def part(mail: str, name: str) -> Template:
        return environment.get_template(f"{mail}/{name}")

    return {
        mail: (part(mail, "subject.txt"), part(mail, "body.txt"), part(mail, "body.html")) for mail in mails
    }
