"""What there is to translate, taken from where it is said: the templates of the mails.

`python -m mailer_service.mailing.extraction` brings the catalogues up to date: new messages come in empty,
and those that no mail says any more go. What is empty is for a translator to fill; `make check` tells which.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from mailer_service.mailing.catalogues import catalogue_file, parse_catalogue
from mailer_service.mailing.languages import LANGUAGES, SOURCE

HERE: Final = Path(__file__).parent
METHODS: Final = [("templates/**", "jinja2")]
OPTIONS: Final = {"templates/**": {"trimmed": "true", "silent": "false"}}


def extract() -> Catalog:
    """Gather every message with the files that say it; without line numbers, which change too often."""
    template = Catalog(project="Porter", fuzzy=False)
    found = extract_from_dir(HERE, METHODS, OPTIONS)
    for file, _, message, _, context in sorted(found, key=lambda each: (each[0], each[1])):
        template.add(message, locations=[(file, 0)], context=context)
    return template


def brought_up_to_date(written: str, template: Catalog, *, language: str) -> str:
    """Give the text of a language's file anew, with the translations that `written` has."""
    catalogue = parse_catalogue(written, language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    body = BytesIO()
    write_po(body, catalogue, omit_header=True, sort_by_file=True, include_lineno=False, width=100)
    return _header(catalogue) + body.getvalue().decode().lstrip("\n")


def bring_up_to_date(path: Path, template: Catalog, *, language: str) -> None:
    """Write a language's file anew: all of it or, whatever happens meanwhile, nothing."""
    written = brought_up_to_date(path.read_text(encoding="utf-8"), template, language=language)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(written, encoding="utf-8")
    beside.replace(path)


def _header(catalogue: Catalog) -> str:
    """Write a header that says only what readers need, so that it does not change by itself."""
    lines = (
        ("Project-Id-Version", "Porter"),
        ("Language", str(catalogue.locale)),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Plural-Forms", catalogue.plural_forms),
    )
    return 'msgid ""\nmsgstr ""\n' + "".join(f'"{name}: {value}\\n"\n' for name, value in lines) + "\n"


if __name__ == "__main__":
    gathered = extract()
    for spoken in LANGUAGES:
        if spoken != SOURCE:
            bring_up_to_date(catalogue_file(spoken), gathered, language=spoken)
    sys.stdout.write(f"{len(gathered)} messages in each catalogue\n")
