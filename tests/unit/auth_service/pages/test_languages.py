import pytest

from auth_service.pages.languages import LANGUAGES, language_for, tag


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("PT-br", "pt_BR"),
        ("en-GB,de", "en"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("en;q=0.1, de;q=0.2", "de"),
        ("de;q=0, pt", "pt_BR"),
        ("de;q=much", "en"),
        (";;q=,,", "en"),
        ("*", "en"),
    ],
)
def test_the_most_wanted_language_that_is_spoken_is_chosen(accepted: str, chosen: str) -> None:
    assert language_for(None, accepted=accepted) == chosen


@pytest.mark.parametrize(
    ("locale", "chosen"), [("de", "de"), ("pt_BR", "pt_BR"), ("de_CH", "de"), ("fr", "pt_BR")]
)
def test_what_someone_chose_counts_before_what_their_browser_says(locale: str, chosen: str) -> None:
    assert language_for(locale, accepted="pt-BR") == chosen


def test_a_header_without_end_is_not_read_to_its_end() -> None:
    assert language_for(None, accepted="fr," * 100_000 + "de") == "en"


def test_tags_are_written_as_html_wants_them() -> None:
    assert [tag(language) for language in LANGUAGES] == ["en", "de", "pt-BR"]
