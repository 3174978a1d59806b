"""compose.yaml hands on every setting that is neither a secret nor the containers' own affair."""

import re
from pathlib import Path

import pytest

from auth_service.settings import AuthSettings
from contracts.environment import SharedSettings
from mailer_service.settings import MailerSettings
from tests.support.pages import DOCS, blocks

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")

PAGE = "operations.md"
SECTION = "## Settings that compose does not hand on"

SECRET = {"DATABASE_URL", "REDIS_URL", "CACHE_REDIS_URL", "SEALING_KEYS", "AUTH_PEPPERS"}
SECRET |= {"MAILER_SMTP_URL", "MAILER_SMTP_FALLBACK_URL"}
"""Read from files: whatever stands in a container's environment is shown by `docker inspect`."""

MADE = {"DATABASE_URL", "REDIS_URL", "SEALING_KEYS", "AUTH_PEPPERS"}
"""Secrets that the stack makes for itself."""

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


def test_the_docs_list_what_compose_does_not_hand_on() -> None:
    asked = names(AuthSettings) | names(MailerSettings)
    given = environment("auth-environment") | environment("mailer-environment") | MADE | FIXED
    _, _, section = (DOCS / PAGE).read_text("utf-8").partition(f"{SECTION}\n")
    rows = re.findall(r"(?m)^\| (`.*?) \|", section.partition("\n## ")[0])
    listed = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    assert asked - given <= listed
    assert {name for name in listed if not name.startswith("OTEL_")} <= asked - given


def test_the_file_that_the_docs_show_for_them_sets_settings_that_there_are() -> None:
    (shown,) = blocks(PAGE, "yaml")
    taken = names(AuthSettings) | names(MailerSettings)
    given = re.findall(r"(?m)^      ([A-Z_]+): (/\S+)$", shown)

    assert len(given) == 3
    for name, path in given:
        assert {name, name.removesuffix("_FILE")} & taken, name
        assert f":{path}:ro" in shown, name
