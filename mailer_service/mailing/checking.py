"""`python -m mailer_service.mailing.checking`: every mail can be written, and is said whole in each language.

`make check` runs it. What it finds it prints, a line each, and exits with 1.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from jinja2 import TemplateError

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.catalogues import read_catalogue
from mailer_service.mailing.extraction import extract
from mailer_service.mailing.languages import LANGUAGES, SOURCE
from mailer_service.mailing.samples import bare_letter, sample_letter
from mailer_service.mailing.templates import TEMPLATES, Templates

PUBLIC_URL: Final = "https://login.example.org"
BRANDS: Final = (Brand("Porter"), Brand("Porter", support="help@example.org"))

_PLACE: Final = re.compile(r"%\(\w+\)s|%%|%|[<>]")
_ENDS: Final = ".:?…"


def faults() -> Iterator[str]:
    """Tell all that is wrong with templates and catalogues."""
    said = extract()
    yield from source_faults(said)
    for language in LANGUAGES:
        if language != SOURCE:
            yield from catalogue_faults(read_catalogue(language), said, language=language)
    yield from template_faults()


def source_faults(said: Catalog) -> Iterator[str]:
    """Tell which messages have a `%` that neither begins a place to fill in nor is doubled."""
    for message in _messages(said):
        for form in _forms(message.id):
            if "%" in _PLACE.findall(form):
                yield f"{SOURCE}: a % alone in {form!r}: write %%"


def catalogue_faults(catalogue: Catalog, said: Catalog, *, language: str) -> Iterator[str]:
    """Tell where a catalogue falls short of what the mails say."""
    wanted, there = _keys(said), _keys(catalogue)
    for _, source in sorted(wanted - there):
        yield f"{language}: lacks {source!r}: run python -m mailer_service.mailing.extraction"
    for _, source in sorted(there - wanted):
        yield f"{language}: has {source!r}, which no mail says: run the extraction"
    for message in _messages(catalogue):
        source = _forms(message.id)[-1]
        if message.fuzzy:
            yield f"{language}: is unsure of {source!r}: check it and take the mark off"
        for form in _forms(message.string):
            yield from (f"{language}: {fault} in {source!r}" for fault in _form_faults(source, form))


def template_faults(folder: Path = TEMPLATES) -> Iterator[str]:
    """Write each mail in each language, with all its facts and with as few as may be; tell what fails."""
    for brand in BRANDS:
        try:
            templates = Templates(brand=brand, public_url=PUBLIC_URL, folder=folder)
        except TemplateError as fault:
            yield f"{type(fault).__name__}: {fault}"
            return
        for mail, language in product(templates.mails, LANGUAGES):
            yield from (f"{mail} in {language}: {fault}" for fault in _mail_faults(templates, mail, language))


def _mail_faults(templates: Templates, mail: str, language: str) -> Iterator[str]:
    for write in (sample_letter, bare_letter):
        try:
            words = templates.words(write(mail, language))
        except (TemplateError, KeyError, TypeError, ValueError) as fault:
            yield f"{type(fault).__name__}: {fault}"
        else:
            if not (words.subject and words.text.strip() and words.html.strip()):
                yield "a part of it is empty"


def _form_faults(source: str, form: str) -> Iterator[str]:
    if not form:
        yield "no translation"
    elif Counter(_PLACE.findall(form)) != Counter(_PLACE.findall(source)):
        yield "other places to fill in"
    elif form[-1] != source[-1] and {form[-1], source[-1]} & set(_ENDS):
        yield "another end"


def _keys(catalogue: Catalog) -> set[tuple[str, str]]:
    return {(message.context or "", _forms(message.id)[0]) for message in _messages(catalogue)}


def _messages(catalogue: Iterable[Message]) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)  # type: ignore[arg-type]  # gettext's plural forms


if __name__ == "__main__":
    found = list(faults())
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    sys.exit(1 if found else 0)
