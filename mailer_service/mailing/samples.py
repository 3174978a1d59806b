"""Made-up letters, one of each mail in each language, for previews, checks and tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from mailer_service.mailing.letters import TO_STRANGERS, Letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.wording import Fact

AT: Final = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
LIFE: Final = timedelta(minutes=10)
CODE: Final = "481502"
LINK: Final = "https://login.example.org/login/link#q0mFZq1jHqcG5zY0n2xw3Vb8kQd7LrTsUuPaXe9ItJo"

MAY_BE_EMPTY: Final = frozenset({"name", "reason", "newcomer_name", "invited_by", "device", "client_address"})
"""Facts that a letter may lack, as when someone has no name or an administrator gave no reason."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who writes about whom to whom in a language's samples."""

    reader: str
    newcomer: str
    host: str
    reason: str


SCENES: Final[Mapping[str, Scene]] = {
    "en": Scene(
        reader="Ada Lovelace",
        newcomer="Grace Hopper",
        host="Katherine Johnson",
        reason="This server is for members of the choir. Ask Katherine at the next rehearsal, and then "
        "register again with the address that she has of you.",
    ),
    "de": Scene(
        reader="Jörg Großmann",
        newcomer="Änne Weißhaupt",
        host="Käthe Öztürk",
        reason="Dieser Server ist für Mitglieder des Chors. Fragen Sie Käthe bei der nächsten Probe, und "
        "registrieren Sie sich dann noch einmal mit der Adresse, die sie von Ihnen hat.",
    ),
    "pt_BR": Scene(
        reader="João da Conceição",
        newcomer="Inês Guimarães",
        host="Zélia Araújo",
        reason="Este servidor é para os integrantes do coral. Fale com a Zélia no próximo ensaio e depois "
        "cadastre-se de novo com o endereço que ela tem.",
    ),
}


_VALIDITY: Final[Mapping[str, Fact]] = {"valid_for": LIFE, "valid_until": AT + LIFE}
_FACTS: Final[Mapping[str, Callable[[Scene], Mapping[str, Fact]]]] = {
    "otp_code": lambda _: {"code": CODE, **_VALIDITY},
    "magic_link": lambda _: {"link": LINK, **_VALIDITY},
    "otp_and_link": lambda _: {"code": CODE, "link": LINK, **_VALIDITY},
    "address_change_code": lambda _: {"code": CODE, **_VALIDITY},
    "registration_notice": lambda scene: {
        "newcomer_name": scene.newcomer,
        "newcomer_address": "grace.hopper@example.org",
    },
    "account_approved": lambda _: {},
    "account_rejected": lambda scene: {"reason": scene.reason},
    "account_suspended": lambda scene: {"reason": scene.reason},
    "account_reinstated": lambda _: {},
    "account_deleted": lambda _: {},
    "invitation": lambda scene: {"invited_by": scene.host},
    "address_changed": lambda _: {"new_address": "c•••@e•••.net"},
    "new_sign_in": lambda _: {
        "device": "Firefox, Linux",
        "client_address": "2001:db8:85a3::8a2e:370:7334",
        "signed_in_at": AT,
    },
}

SAMPLED: Final = tuple(sorted(_FACTS))
"""The mails that there are samples of, by name."""


def sample_letter(mail: str, language: str) -> Letter:
    """Write a sample of a mail in which nothing is empty. Raises `KeyError` for a mail that has none."""
    scene = SCENES[language]
    reader = "" if mail in TO_STRANGERS else scene.reader
    facts = {"name": reader, **_FACTS[mail](scene)}
    recipient = Mailbox.of("ada@example.org", name=reader)
    return Letter(template=mail, recipient=recipient, locale=language, facts=facts)


def bare_letter(mail: str, language: str) -> Letter:
    """Write a sample in which all is empty that may be."""
    full = sample_letter(mail, language)
    facts = {name: "" if name in MAY_BE_EMPTY else fact for name, fact in full.facts.items()}
    return replace(full, recipient=replace(full.recipient, name=""), facts=facts)
