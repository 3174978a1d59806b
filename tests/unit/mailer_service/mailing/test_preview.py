"""The preview shows every mail as it is sent."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from tinyhtml5.parser import HTMLParser

from mailer_service import cli
from mailer_service.mailing.languages import LANGUAGES, tag
from mailer_service.mailing.samples import SAMPLED


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SEALING_KEYS",
        "PUBLIC_URL",
        "MAILER_FROM",
        "MAILER_BRAND_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def preview(*arguments: str) -> object:
    with pytest.raises(SystemExit) as left:
        cli.main(["preview", *arguments])
    return left.value.code


def test_every_mail_is_written_in_every_language_without_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "mails"
    assert preview("--out", str(folder)) == 0
    assert capsys.readouterr().out == f"39 mails: open {folder / 'index.html'}\n"
    stems = [f"{mail}.{tag(language)}" for mail in SAMPLED for language in LANGUAGES]
    wanted = {f"{stem}.{kind}" for stem in stems for kind in ("html", "txt", "eml")} | {"index.html"}
    assert {path.name for path in folder.iterdir()} == wanted
    parser = HTMLParser()
    index = (folder / "index.html").read_text(encoding="utf-8")
    parser.parse(index)
    assert parser.errors == []
    assert all(index.count(f'"{stem}.html"') == 2 for stem in stems)


def test_one_mail_is_written_in_one_language_with_the_brand_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_BRAND_NAME", "Chor & Co")
    monkeypatch.setenv("MAILER_SUPPORT_ADDRESS", "help@example.org")
    monkeypatch.setenv("PUBLIC_URL", "https://in.example.com")
    assert preview("account_approved", "--locale", "pt-BR", "--out", str(tmp_path)) == 0
    raw = (tmp_path / "account_approved.pt-BR.eml").read_bytes()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "Sua conta em Chor & Co está pronta"
    assert mail["Reply-To"] == "help@example.org"
    assert {part["Content-Transfer-Encoding"] for part in mail.iter_parts()} == {"8bit"}
    assert "está pronta".encode() in raw
    body = mail.get_body(("plain",))
    assert body is not None
    assert "https://in.example.com/login" in body.get_content()
    written = (tmp_path / "account_approved.pt-BR.txt").read_text(encoding="utf-8")
    assert written == f"Subject: {mail['Subject']}\n\n{body.get_content()}".replace("\r", "")
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no_such_mail",), ("invalid choice: 'no_such_mail'", *SAMPLED)),
        (("otp_code", "--locale", "fr"), ("invalid choice: 'fr'", *LANGUAGES)),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(
    arguments: tuple[str, ...], told: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preview(*arguments, "--out", str(tmp_path / "mails")) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in told)
    assert not (tmp_path / "mails").exists()


def test_a_wrong_colour_stops_it_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAILER_BRAND_COLOR", "red")
    assert preview("--out", str(tmp_path)) == 2
    assert capsys.readouterr().err == (
        "MAILER_BRAND_COLOR: is no colour of six hexadecimal digits: "
        "set it to six hexadecimal digits such as #1f5fbf\n"
    )


def test_a_folder_that_cannot_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert preview("--out", str(tmp_path / "file" / "mails")) == 1
    assert capsys.readouterr().err.startswith("--out: Not a directory: ")
