"""Everything that the pages say is said in each language."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from auth_service.pages.catalogues import read_catalogues
from auth_service.pages.extraction import bring_up_to_date, catalogue_file, extract
from auth_service.pages.languages import LANGUAGES, SOURCE

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
PLACE = re.compile(r"%\(\w+\)s|%%|[<>]|ada@example\.org")


def forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)  # type: ignore[arg-type]  # gettext's lists


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


@pytest.fixture(params=TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def catalogue(language: str) -> Catalog:
    with catalogue_file(language).open("rb") as written:
        return read_po(written, locale=language)


def test_it_holds_what_is_said_and_nothing_else(catalogue: Catalog) -> None:
    def said(found: Catalog) -> dict[object, set[str]]:
        return {
            (message.context, message.id): {file for file, _ in message.locations}
            for message in messages(found)
        }

    assert said(catalogue) == said(extract())
    assert not catalogue.obsolete


def test_every_message_is_translated(catalogue: Catalog) -> None:
    lacking = [message.id for message in messages(catalogue) if not all(forms(message.string))]
    assert lacking == []
    assert not any(message.fuzzy for message in messages(catalogue))


def test_every_translation_has_the_places_of_its_message(catalogue: Catalog) -> None:
    for message in messages(catalogue):
        *_, many = forms(message.id)
        wanted = Counter(PLACE.findall(many))
        for form in forms(message.string):
            found = Counter(PLACE.findall(form))
            assert found == wanted or (message.pluralizable and found < wanted), message.id


def test_every_translation_ends_as_its_message_does(catalogue: Catalog) -> None:
    for message in messages(catalogue):
        for said, translated in zip(forms(message.id), forms(message.string), strict=True):
            assert said[-1] == translated[-1] or {said[-1], translated[-1]}.isdisjoint(".:?…"), said


def test_bringing_it_up_to_date_changes_nothing(language: str) -> None:
    before = catalogue_file(language).read_text(encoding="utf-8")
    bring_up_to_date(extract(), language)
    assert catalogue_file(language).read_text(encoding="utf-8") == before


def test_scripts_get_the_words_they_say_and_no_others() -> None:
    german = read_catalogues()["de"]
    words = german.words_of({"static/words.js"})
    (plural,) = (word for word in words.values() if isinstance(word, tuple))
    assert plural == (
        "Das ist nicht der Code. Sie haben noch einen Versuch.",
        "Das ist nicht der Code. Sie haben noch %(count)s Versuche.",
    )
    assert "Approve" not in words
    assert german.words_of({"static/person.js"})["Approve"] == "Freigeben"
    assert german.words_of(set()) == {}
    assert read_catalogues()[SOURCE].words_of({"static/person.js"}) == {}


def test_a_word_that_is_said_of_different_things_may_have_different_translations() -> None:
    words = read_catalogues()["pt_BR"].words_of({"static/labels.js"})
    assert (words["Rejected"], words["done\x04Rejected"]) == ("Recusada", "Cadastro recusado")


def test_no_german_sentence_says_du_and_none_of_portuguese_tu() -> None:
    for language, wrong in (("de", r"\b(du|dein\w*|dich|dir)\b"), ("pt_BR", r"\b(tu|teu|tua|vós)\b")):
        with catalogue_file(language).open("rb") as written:
            found = read_po(written, locale=language)
        said = " ".join(form for message in messages(found) for form in forms(message.string))
        assert re.findall(wrong, said, flags=re.IGNORECASE) == []
