"""The mails as they were last looked at. `python -m tests.support.golden_mails` writes them anew."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import LANGUAGES, tag
from mailer_service.mailing.samples import SAMPLED, sample_letter
from mailer_service.mailing.templates import Templates

GOLDEN: Final = Path(__file__).parents[1] / "unit" / "mailer_service" / "mailing" / "golden"
TEMPLATES: Final = Templates(
    brand=Brand("Porter", support="help@example.org"), public_url="https://login.example.org"
)
EVERY: Final = tuple(product(SAMPLED, LANGUAGES))
"""Each mail in each language."""


def golden_files(mail: str, language: str) -> Iterator[tuple[Path, str]]:
    """Give a mail's files and what is to be in them."""
    words = TEMPLATES.words(sample_letter(mail, language))
    stem = f"{mail}.{tag(language)}"
    yield GOLDEN / f"{stem}.txt", f"Subject: {words.subject}\n\n{words.text}"
    yield GOLDEN / f"{stem}.html", words.html


if __name__ == "__main__":
    for each in EVERY:
        for path, written in golden_files(*each):
            path.write_text(written, encoding="utf-8")
