"""The mails' words: a folder for each mail in `templates/`, compiled once, filled in for each letter."""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from babel.support import NullTranslations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.catalogues import translations
from mailer_service.mailing.languages import LANGUAGES, language_for, tag
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.wording import isolated, worded

TEMPLATES: Final = Path(__file__).parent / "templates"
LINE_WIDTH: Final = 76

_BLANK_LINES: Final = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says: its subject, on one line, and the same letter twice, lines ended by LF."""

    subject: str
    text: str
    html: str


class Templates:
    """The templates of every mail in every language, about the service at `public_url`.

    Making them reads and compiles all of them. Raises what Jinja and Babel raise of a file that is wrong.
    """

    def __init__(self, *, brand: Brand, public_url: str, folder: Path = TEMPLATES) -> None:
        facts = {
            "service": isolated(brand.name),
            "logo": isolated(brand.logo or brand.name),
            "support": brand.support,
            **brand.palette(),
            "host": urlsplit(public_url).netloc,
            "admin_url": f"{public_url}/admin#pending",
            "login_url": f"{public_url}/login",
            "account_url": f"{public_url}/account",
        }
        self.mails: Final = tuple(sorted(mail.name for mail in folder.iterdir() if mail.is_dir()))
        self._compiled: Final = {
            language: _compile(_environment(folder, language, facts), self.mails) for language in LANGUAGES
        }

    def words(self, letter: Letter) -> Words:
        """Write a letter in its reader's language."""
        language = language_for(letter.locale)
        return self.fill_in(letter.template, language, worded(letter.facts, language))

    def fill_in(self, mail: str, language: str, facts: Mapping[str, str]) -> Words:
        """Fill a mail in with facts that are words already (`worded`), or with marks that stand for them.

        Of a fact a template asks only whether it is empty; what it says never changes what stands around
        it, not even where lines break.
        """
        subject, text, html = self._compiled[language][mail]
        return Words(
            subject=" ".join(subject.render(facts).split()),
            text=_BLANK_LINES.sub("\n\n", text.render(facts)).strip("\n") + "\n",
            html=_BLANK_LINES.sub("\n", html.render(facts)),
        )


class _Files(FileSystemLoader):
    """Reads a folder; what is asked for as `….txt.html` is the text of `….txt`."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        return super().get_source(environment, re.sub(r"\.txt\.html$", ".txt", template))


class _Environment(Environment):
    """Compiles text that HTML imports as HTML: else Jinja takes what its macros write for safe, unescaped."""

    def join_path(self, template: str, parent: str) -> str:
        return f"{template}.html" if parent.endswith(".html") and template.endswith(".txt") else template


def _environment(folder: Path, language: str, facts: Mapping[str, str]) -> Environment:
    environment = _Environment(
        loader=_Files(folder),
        extensions=["jinja2.ext.i18n"],
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    spoken = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        _in_lines(spoken), spoken.ngettext, newstyle=True
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(facts, lang=tag(language))
    return environment


def _in_lines(spoken: NullTranslations) -> Callable[[str], str]:
    """Translate, and break long messages into lines before they are filled in; HTML takes them for blanks."""

    @cache
    def gettext(message: str) -> str:
        told = spoken.gettext(message)
        return textwrap.fill(told, LINE_WIDTH, break_long_words=False, break_on_hyphens=False)

    return gettext


def _compile(
    environment: Environment, mails: Iterable[str]
) -> Mapping[str, tuple[Template, Template, Template]]:
    def part(mail: str, name: str) -> Template:
        return environment.get_template(f"{mail}/{name}")

    return {
        mail: (part(mail, "subject.txt"), part(mail, "body.txt"), part(mail, "body.html")) for mail in mails
    }
