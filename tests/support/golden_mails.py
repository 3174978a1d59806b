"""The mails as they were last looked at. `python -m tests.support.golden_mails` writes them anew."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import LANGUAGES, tag
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.mails import OTP_AND_LINK
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.samples import AT, SAMPLED, sample_letter
from mailer_service.mailing.templates import Templates

GOLDEN: Final = Path(__file__).parents[1] / "unit" / "mailer_service" / "mailing" / "golden"
BRAND: Final = Brand("Porter", support="help@example.org")
PUBLIC_URL: Final = "https://login.example.org"
TEMPLATES: Final = Templates(brand=BRAND, public_url=PUBLIC_URL)
RENDERER: Final = Renderer(
    sender=Mailbox.parse("Porter <porter@example.org>"), public_url=PUBLIC_URL, brand=BRAND
)
SENT: Final = OTP_AND_LINK
"""The mail that is kept as it is sent too, to the byte: the one that says most."""
EVERY: Final = tuple(product(SAMPLED, LANGUAGES))
"""Each mail in each language."""


def golden_files(mail: str, language: str) -> Iterator[tuple[Path, bytes]]:
    """Give a mail's files and what is to be in them."""
    letter = sample_letter(mail, language)
    words = TEMPLATES.words(letter)
    stem = f"{mail}.{tag(language)}"
    yield GOLDEN / f"{stem}.txt", f"Subject: {words.subject}\n\n{words.text}".encode()
    yield GOLDEN / f"{stem}.html", words.html.encode()
    if mail == SENT:
        identity = f"<{stem}@example.org>"
        yield (
            GOLDEN / f"{stem}.eml",
            RENDERER.render(letter, message_id=identity, written_at=AT, eight_bit=True),
        )


if __name__ == "__main__":
    for each in EVERY:
        for path, written in golden_files(*each):
            path.write_bytes(written)
