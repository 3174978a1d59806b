"""The mailer's settings: what is wrong is named, with the mend, and nothing secret is repeated."""

import pytest

from contracts.environment import SettingsWrong, load
from contracts.sealing import new_key
from mailer_service.assembly import make_providers
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.settings import MailerSettings


@pytest.fixture
def right(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set every variable that must be set."""
    for name, value in {
        "DATABASE_URL": "postgresql://porter@127.0.0.1/porter",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "SEALING_KEYS": new_key(),
        "PUBLIC_URL": "https://login.example.org",
        "MAILER_SMTP_URL": "smtp+starttls://porter:secret@mail.example.org:587",
        "MAILER_FROM": "Porter <porter@example.org>",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("right")
def test_the_defaults_are_the_designs() -> None:
    settings = load(MailerSettings)

    assert settings.max_attempts == 3
    assert settings.backoff_login == (5, 90)
    assert settings.backoff_accounts == (60, 900)
    assert (settings.silent_after, settings.stuck_after, settings.send_deadline) == (10, 300, 20)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAILER_SMTP_URL", "http://mail.example.org", "smtp"),
        ("MAILER_FROM", "not an address", "has no @"),
        ("MAILER_FROM", "Portier <pförtner@example.org>", "beyond ASCII"),
        ("MAILER_REPLY_TO", "Help <help>", "has no @"),
        ("MAILER_REPLY_TO", "help@example.org\r\nBcc: eve@example.org", "line break"),
        ("MAILER_SUPPORT_ADDRESS", "Help <help@example.org>", "more than an address"),
        ("MAILER_FROM", "Porter\n<porter@example.org>", "line break"),
        ("MAILER_MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("MAILER_SMTP_RESERVED", "16", "leaves no connection for other mail"),
        ("MAILER_SMTP_RATE", "14 a second", "count/seconds"),
        ("MAILER_SMTP_FALLBACK_RATE", "0/1", "a count from 1"),
        ("MAILER_SMTP_FALLBACK_URL", "mail.example.net:25", "smtp"),
        ("MAILER_SMTP_FALLBACK_CA_FILE", "/nowhere.pem", "No such file"),
        ("MAILER_BACKOFF_LOGIN", "soon", "number"),
        ("MAILER_BACKOFF_ACCOUNTS", "", "names no wait"),
        ("MAILER_PORT", "99999", "65535"),
        ("MAILER_SILENT_AFTER", "0", "greater than 0"),
        ("MAILER_SILENT_AFTER", "1e300", "86400"),
        ("MAILER_DRAIN", "inf", "finite"),
        ("MAILER_CLAIM_STALE_AFTER", "20", "more seconds than MAILER_SEND_DEADLINE"),
        ("MAILER_STUCK_AFTER", "20", "more than MAILER_SEND_DEADLINE"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_variable_and_the_mend(
    right: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    right.setenv(name, value)

    with pytest.raises(SettingsWrong) as wrong:
        load(MailerSettings)

    (line,) = wrong.value.lines
    assert line.startswith(f"{name}: ")
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("MAILER_SEND_DEADLINE", "60", ["MAILER_CLAIM_STALE_AFTER"]),
        ("MAILER_SEND_DEADLINE", "300", ["MAILER_CLAIM_STALE_AFTER", "MAILER_STUCK_AFTER"]),
        ("MAILER_SMTP_CONNECTIONS", "4", ["MAILER_SMTP_RESERVED"]),
    ],
)
def test_a_default_is_held_against_what_is_set_beside_it(
    right: pytest.MonkeyPatch, name: str, value: str, named: list[str]
) -> None:
    right.setenv(name, value)

    with pytest.raises(SettingsWrong) as wrong:
        load(MailerSettings)

    assert [line.partition(":")[0] for line in wrong.value.lines] == named


def test_waits_that_outlast_a_send_may_be_short(right: pytest.MonkeyPatch) -> None:
    right.setenv("MAILER_SEND_DEADLINE", "2")
    right.setenv("MAILER_CLAIM_STALE_AFTER", "2.1")
    right.setenv("MAILER_STUCK_AFTER", "3")

    settings = load(MailerSettings)

    assert (settings.claim_stale_after, settings.stuck_after) == (2.1, 3)


def test_a_send_deadline_that_is_no_number_is_one_line(right: pytest.MonkeyPatch) -> None:
    right.setenv("MAILER_SEND_DEADLINE", "soon")

    with pytest.raises(SettingsWrong) as wrong:
        load(MailerSettings)

    (line,) = wrong.value.lines
    assert line.startswith("MAILER_SEND_DEADLINE: ")


def test_a_missing_value_is_named_with_the_mend(right: pytest.MonkeyPatch) -> None:
    right.delenv("MAILER_SMTP_URL")

    with pytest.raises(SettingsWrong, match="MAILER_SMTP_URL: is missing: set it to smtp"):
        load(MailerSettings)


def test_the_smtp_password_is_not_repeated(right: pytest.MonkeyPatch) -> None:
    right.setenv("MAILER_SMTP_URL", "ftp://porter:hunter2@mail.example.org")

    with pytest.raises(SettingsWrong) as wrong:
        load(MailerSettings)

    assert "hunter2" not in str(wrong.value)


def test_answers_go_where_the_setting_says_else_to_whoever_helps(right: pytest.MonkeyPatch) -> None:
    assert load(MailerSettings).reply_to() is None
    right.setenv("MAILER_SUPPORT_ADDRESS", "help@example.org")
    assert load(MailerSettings).reply_to() == Mailbox.of("help@example.org")
    right.setenv("MAILER_REPLY_TO", "Desk <desk@example.org>")
    assert load(MailerSettings).reply_to() == Mailbox.of("desk@example.org", name="Desk")


def test_the_stand_in_is_another_server(right: pytest.MonkeyPatch) -> None:
    right.setenv("MAILER_SMTP_URL", "smtp+starttls://porter:secret@mail.example.org:587")
    right.setenv("MAILER_SMTP_FALLBACK_URL", "smtp+starttls://other:secret@mail.example.org")
    with pytest.raises(SettingsWrong) as wrong:
        load(MailerSettings)
    (line,) = wrong.value.lines
    assert line.startswith("MAILER_SMTP_FALLBACK_URL: ")
    assert "same server" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("", ["mail.example.org:25"]),
        ("smtps://porter:secret@mail.example.net", ["mail.example.org:25", "mail.example.net:465"]),
    ],
)
def test_a_stand_in_is_used_where_there_is_one(
    right: pytest.MonkeyPatch, written: str, names: list[str]
) -> None:
    right.setenv("MAILER_SMTP_URL", "smtp://mail.example.org")
    right.setenv("MAILER_SMTP_FALLBACK_URL", written)
    providers = make_providers(load(MailerSettings))
    assert [provider.name for provider in providers] == names
    assert (providers.slots.total, providers.slots.reserved) == (16, 4)
