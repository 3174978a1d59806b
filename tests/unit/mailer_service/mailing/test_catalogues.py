"""Everything that the mails say is said in each language, and the check finds what is not."""

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from mailer_service.mailing.catalogues import catalogue_file, parse_catalogue, read_catalogue
from mailer_service.mailing.checking import catalogue_faults, faults, source_faults, template_faults
from mailer_service.mailing.extraction import bring_up_to_date, brought_up_to_date, extract
from mailer_service.mailing.languages import LANGUAGES, SOURCE
from mailer_service.mailing.templates import TEMPLATES

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]


def made(*translations: tuple[str, str], flags: tuple[str, ...] = ()) -> Catalog:
    catalogue = Catalog(locale="de", fuzzy=False)
    for source, told in translations:
        catalogue.add(source, told, flags=flags)
    return catalogue


def test_nothing_is_wrong_with_the_mails() -> None:
    assert list(faults()) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_bringing_a_catalogue_up_to_date_changes_nothing(language: str) -> None:
    written = catalogue_file(language).read_text(encoding="utf-8")
    assert brought_up_to_date(written, extract(), language=language) == written


def test_a_catalogue_keeps_what_is_translated_takes_what_is_new_and_loses_what_is_gone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mails.po"
    shutil.copyfile(catalogue_file("de"), path)
    said = made(("Sign in", ""), ("Come in", ""))
    bring_up_to_date(path, said, language="de")
    catalogue = parse_catalogue(path.read_text(encoding="utf-8"), "de")
    assert {message.id: message.string for message in catalogue if message.id} == {
        "Sign in": "Anmelden",
        "Come in": "",
    }
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ("", "no translation"),
        ("Ihr Code:", "other places to fill in"),
        ("Ihr Code bei %(host)s:", "other places to fill in"),
        ("Ihr Code bei %(service)s %(service)s:", "other places to fill in"),
        ("<b>Ihr Code bei %(service)s:", "other places to fill in"),
        ("Ihr Code bei %(service)s.", "another end"),
        ("Ihr Code, zu 100 % von %(service)s:", "other places to fill in"),
        ("Ihr Code bei %(service) s:", "other places to fill in"),
        ("Ihr Code bei %(service)d:", "other places to fill in"),
    ],
)
def test_a_translation_that_does_not_fit_is_found(told: str, fault: str) -> None:
    source = "Your code for %(service)s:"
    (found,) = catalogue_faults(made((source, told)), made((source, "")), language="de")
    assert found == f"de: {fault} in {source!r}"


def test_a_sign_that_would_garble_a_mail_is_found_where_it_is_said_first() -> None:
    said = made(("100 % sure", ""), ("100 %% sure of %(service)s", ""), ("%(service) s", ""))
    assert list(source_faults(said)) == [
        "en: a % alone in '100 % sure': write %%",
        "en: a % alone in '%(service) s': write %%",
    ]


def test_a_message_that_lacks_or_is_too_much_or_unsure_is_found() -> None:
    said, other = made(("Sign in", "")), made(("Sign out", "Abmelden"))
    lacking, needless = catalogue_faults(other, said, language="de")
    assert "lacks 'Sign in'" in lacking
    assert "'Sign out', which no mail says" in needless
    unsure = made(("Sign in", "Anmelden"), flags=("fuzzy",))
    assert ["unsure" in fault for fault in catalogue_faults(unsure, said, language="de")] == [True]


@pytest.mark.parametrize(
    ("part", "written", "fault"),
    [
        ("otp_code/body.txt", "{{ no_such_fact }}", "otp_code in en: UndefinedError"),
        ("otp_code/subject.txt", " ", "otp_code in en: a part of it is empty"),
        ("otp_code/body.html", "{% if %}", "TemplateSyntaxError"),
        ("otp_code/body.txt", "{{ _('100 % wrong') }}", "otp_code in en: "),
        ("otp_code/body.txt", "{{ _('%(valid_for)d long', valid_for=valid_for) }}", "otp_code in en: "),
        ("new_mail/subject.txt", "New", "TemplateNotFound: 'new_mail/body.txt' not found"),
    ],
)
def test_a_mail_that_cannot_be_written_is_found(part: str, written: str, fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES, folder)
    (folder / part).parent.mkdir(exist_ok=True)
    (folder / part).write_text(written, encoding="utf-8")
    assert fault in next(template_faults(folder))


def test_a_mail_without_a_sample_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES, folder)
    shutil.copytree(folder / "otp_code", folder / "otp_again")
    assert next(template_faults(folder)) == "otp_again in en: KeyError: 'otp_again'"


def test_no_german_sentence_says_du_and_none_of_portuguese_tu() -> None:
    for language, wrong in (("de", r"\b(du|dein\w*|dich|dir)\b"), ("pt_BR", r"\b(tu|teu|tua|vós)\b")):
        said = " ".join(str(message.string) for message in read_catalogue(language) if message.id)
        assert re.findall(wrong, said, flags=re.IGNORECASE) == []
