"""The mails' words in each language: gettext catalogues, read once, from `locales/*/mails.po`."""

from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from mailer_service.mailing.languages import SOURCE

LOCALES: Final = Path(__file__).parent / "locales"


def catalogue_file(language: str) -> Path:
    """Name a language's file."""
    return LOCALES / language / "mails.po"


def read_catalogue(language: str) -> Catalog:
    """Read a language's file as its translators see it."""
    return parse_catalogue(catalogue_file(language).read_text(encoding="utf-8"), language)


def parse_catalogue(written: str, language: str) -> Catalog:
    """Read the text of a language's file."""
    return read_po(BytesIO(written.encode()), locale=language, abort_invalid=True)


def translations(language: str) -> NullTranslations:
    """Read what a language says. The source needs no catalogue: there each message is its own translation."""
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return Translations(compiled)
