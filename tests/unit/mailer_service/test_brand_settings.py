"""What mails look like by the settings, and what is wrong with settings that make no brand."""

import pytest

from contracts.environment import SettingsWrong, load
from mailer_service.mailing.brand import DEFAULT_COLOR, Brand
from mailer_service.preview_cli import EXAMPLES, PreviewSettings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = ("MAILER_BRAND_NAME", "MAILER_BRAND_COLOR", "MAILER_BRAND_LOGO", "MAILER_SUPPORT_ADDRESS")
    for name in (*EXAMPLES, *mine):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("Choir <choir@example.org>", "Choir"),
        ("choir@example.org", "login.example.org"),
        ('"\u3164" <choir@example.org>', "login.example.org"),
        (f"{'long ' * 20}<choir@example.org>", "long " * 11 + "long"),
    ],
)
def test_a_brand_without_a_name_has_the_senders_else_the_hosts(
    sender: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_FROM", sender)
    assert load(PreviewSettings).brand() == Brand(name, color=DEFAULT_COLOR)


def test_a_brand_is_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_BRAND_NAME", "Chor von Köln")
    monkeypatch.setenv("MAILER_BRAND_COLOR", "7A1F3D")
    monkeypatch.setenv("MAILER_BRAND_LOGO", "♪ Chor")
    monkeypatch.setenv("MAILER_SUPPORT_ADDRESS", "help@example.org")
    assert load(PreviewSettings).brand() == Brand(
        "Chor von Köln", color="#7a1f3d", logo="♪ Chor", support="help@example.org"
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAILER_BRAND_COLOR", "blue", "set it to six hexadecimal digits such as #1f5fbf"),
        ("MAILER_BRAND_COLOR", "#fff", "is no colour"),
        ("MAILER_BRAND_NAME", "Choir\nBcc: eve@example.org", "is not one line of text"),
        ("MAILER_BRAND_NAME", "x" * 61, "is longer than 60 characters"),
        ("MAILER_BRAND_LOGO", "\u202eriohC", "is not one line of text"),
        ("MAILER_SUPPORT_ADDRESS", "help", "before the @"),
        ("MAILER_SUPPORT_ADDRESS", "help@example.org, eve@example.org", "MAILER_SUPPORT_ADDRESS"),
        ("MAILER_SUPPORT_ADDRESS", "help@example.org (desk)", "MAILER_SUPPORT_ADDRESS"),
    ],
)
def test_what_makes_no_brand_is_one_line_with_the_mend(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        load(PreviewSettings)
    (line,) = wrong.value.lines
    assert line.startswith(f"{name}: ")
    assert says in line
    assert "\n" not in line
