"""The pages' words in each language: gettext catalogues, read once, from `locales/*/pages.po`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from auth_service.pages.languages import LANGUAGES, SOURCE

LOCALES: Final = Path(__file__).parent / "locales"

ScriptWords = Mapping[str, str | tuple[str, ...]]


def marked(sentence: str) -> str:
    """Mark a sentence for the catalogues where it stands; it is translated where it is shown."""
    return sentence


@dataclass(frozen=True)
class Catalogue:
    """One language: `translations` for templates and Python, and what scripts need of it.

    The catalogue tells where each message stands, and so which script says it.
    """

    translations: NullTranslations
    messages: Catalog | None = None

    def words_of(self, scripts: Collection[str]) -> ScriptWords:
        """Give what these scripts say, by what it says in the source; forms of a plural as a list.

        What has a context is found behind it and U+0004, as in gettext's own files.
        """
        return {
            _key(message): _said(message)
            for message in self.messages or ()
            if message.id and any(place in scripts for place, _ in message.locations)
        }


def _key(message: Message) -> str:
    source = message.id if isinstance(message.id, str) else message.id[0]
    return f"{message.context}\x04{source}" if message.context else source


def _said(message: Message) -> str | tuple[str, ...]:
    return message.string if isinstance(message.string, str) else tuple(message.string or ())


def read_catalogues(folder: Path = LOCALES) -> Mapping[str, Catalogue]:
    """Read every language. The source needs no catalogue: there each message is its own translation."""
    return {
        language: Catalogue(NullTranslations()) if language == SOURCE else _read(folder, language)
        for language in LANGUAGES
    }


def _read(folder: Path, language: str) -> Catalogue:
    with (folder / language / "pages.po").open("rb") as written:
        messages = read_po(written, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Catalogue(Translations(compiled), messages)
