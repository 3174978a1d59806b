"""compose.yaml hands on every setting that is neither a secret nor the containers' own affair."""

import re
from pathlib import Path

import pytest

from auth_service.settings import AuthSettings
from contracts.environment import SharedSettings
from mailer_service.settings import MailerSettings

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")

SECRET = {"DATABASE_URL", "REDIS_URL", "CACHE_REDIS_URL", "SEALING_KEYS", "AUTH_PEPPERS"}
SECRET |= {"MAILER_SMTP_URL", "MAILER_SMTP_FALLBACK_URL"}
"""Read from files: whatever stands in a container's environment is shown by `docker inspect`."""

FIXED = {"AUTH_HOST", "AUTH_PORT", "AUTH_INTERNAL_PORT", "MAILER_HOST", "MAILER_PORT"}
"""Where to listen, which the images say."""

FILES = {"MAILER_SMTP_CA_FILE", "MAILER_SMTP_FALLBACK_CA_FILE"}
"""Paths, which mean nothing in a container that nothing is mounted into."""


def environment(anchor: str) -> set[str]:
    """Name the variables in the block that `anchor` names."""
    block = re.search(rf"environment: &{anchor}\n((?:    .*\n)+)", COMPOSE)
    assert block is not None
    return set(re.findall(r"(?m)^    ([A-Z_]+):", block[1]))


def names(settings: type[SharedSettings]) -> set[str]:
    """Name the settings of one service."""
    return {str(field.validation_alias) for field in settings.model_fields.values()}


@pytest.mark.parametrize(
    ("anchor", "settings"), [("auth-environment", AuthSettings), ("mailer-environment", MailerSettings)]
)
def test_every_setting_can_be_set_in_compose(anchor: str, settings: type[SharedSettings]) -> None:
    assert names(settings) - SECRET - FIXED - FILES <= environment(anchor), (
        "add what is missing to compose.yaml"
    )


@pytest.mark.parametrize("anchor", ["auth-environment", "mailer-environment"])
def test_no_secret_is_taken_from_the_environment(anchor: str) -> None:
    assert environment(anchor) & SECRET <= {"MAILER_SMTP_URL"}
    assert "    MAILER_SMTP_URL: smtp://mailpit:1025\n" in COMPOSE
