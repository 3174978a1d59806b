"""`mailer-service preview`: the mails, with made-up names, written to files to look at."""

import argparse
import sys
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from contracts.environment import load
from contracts.sealing import new_key
from mailer_service.brand_settings import BrandSettings
from mailer_service.mailing.languages import LANGUAGES
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.preview import write_preview
from mailer_service.mailing.samples import SAMPLED

EXAMPLES: Final = {
    "DATABASE_URL": "postgresql://localhost/example",
    "REDIS_URL": "redis://localhost",
    "PUBLIC_URL": "https://login.example.org",
    "MAILER_FROM": "Porter <porter@example.org>",
}


class PreviewSettings(BrandSettings):
    """The settings that there are; examples in place of the others, since nothing is opened or sent."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the examples last."""
        given = super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )
        return (*given, InitSettingsSource(settings_cls, {**EXAMPLES, "SEALING_KEYS": new_key()}))


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its arguments."""
    preview = commands.add_parser("preview", help="write the mails, with made-up names, to files to look at")
    preview.add_argument(
        "template",
        nargs="?",
        choices=SAMPLED,
        metavar="TEMPLATE",
        help=f"one of {', '.join(SAMPLED)}; else all",
    )
    preview.add_argument(
        "--locale", type=_language, choices=LANGUAGES, help=f"one of {', '.join(LANGUAGES)}; else all"
    )
    preview.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder for index.html and the mails"
    )


def run(given: argparse.Namespace) -> int:
    """Write the preview and tell where it is. Raises `SettingsWrong`."""
    settings = load(PreviewSettings)
    try:
        sheets = write_preview(
            given.out,
            mails=SAMPLED if given.template is None else (given.template,),
            languages=LANGUAGES if given.locale is None else (given.locale,),
            brand=settings.brand(),
            sender=Mailbox.parse(settings.sender),
            reply_to=settings.reply_to(),
            public_url=settings.public_url,
        )
    except OSError as fault:
        print(f"--out: {fault.strerror or fault}: {given.out}", file=sys.stderr)
        return 1
    print(f"{len(sheets)} mails: open {given.out / 'index.html'}")
    return 0


def _language(written: str) -> str:
    """Read a language as it is written in either way: `pt_BR` and `pt-BR`."""
    return written.replace("-", "_")
