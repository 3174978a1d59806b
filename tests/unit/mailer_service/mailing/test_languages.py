import pytest

from mailer_service.mailing.languages import LANGUAGES, SOURCE, language_for, tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_chosen_by_its_name_however_it_is_written(language: str) -> None:
    assert language_for(language) == language_for(tag(language)) == language_for(language.upper()) == language


def test_a_relative_is_better_than_english_and_english_than_nothing() -> None:
    assert [language_for(wish) for wish in ("de_AT", "pt", "pt_PT", "fr", "")] == [
        "de", "pt_BR", "pt_BR", SOURCE, SOURCE,
    ]  # fmt: skip


def test_tags_are_written_with_a_hyphen() -> None:
    assert tag("pt_BR") == "pt-BR"
