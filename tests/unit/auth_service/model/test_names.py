import pytest

from auth_service.model.names import LocaleRefused, NameRefused, locale_name, person_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("\u0141ukasz", "\u0141ukasz"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e"),
        ("<script>", "<script>"),
        ("A\u200bda\u00a0\u00ad Lovelace\ufeff", "Ada Lovelace"),
        ("Zoe\u200b\u0308", "Zo\u00eb"),
        ("\u0646\u0627\u0645\u200c\u0647\u0627", "\u0646\u0627\u0645\u200c\u0647\u0627"),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_name_has_one_form(written: str, name: str) -> None:
    assert person_name(written) == name


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "must not be empty"),
        ("   ", "must not be empty"),
        ("\u200b", "must not be empty"),
        ("\u200d", "can be seen"),
        ("\u3164", "can be seen"),
        ("\u115f \u2800", "can be seen"),
        ("x" * 101, "at most 100"),
        ("x" * 5000, "at most 100"),
        ("Ada\r\nBcc: all", "control characters"),
        ("Porter: keep your account at https://porter.example/k", "web address"),
        ("Ada www.evil.example", "web address"),
        ("evil.example/k", "web address"),
        ("h\u200bttps:/\u200b/evil.example", "web address"),
        ("Ada\x00", "control characters"),
        ("Ada\ud800", "control characters"),
        ("Ada\u202egro.live", "control characters"),
    ],
)
def test_what_is_no_name_is_refused(written: str, sentence: str) -> None:
    with pytest.raises(NameRefused, match=sentence):
        person_name(written)


@pytest.mark.parametrize(
    ("written", "locale"),
    [("en", "en"), ("DE", "de"), ("pt-br", "pt_BR"), ("pt_BR", "pt_BR"), ("fil", "fil")],
)
def test_a_locale_has_one_form(written: str, locale: str) -> None:
    assert locale_name(written) == locale


@pytest.mark.parametrize("written", ["", "e", "english", "de_", "../etc", "de_DE.UTF-8", "d\u0119"])
def test_what_is_no_language_is_refused(written: str) -> None:
    with pytest.raises(LocaleRefused, match="such as en"):
        locale_name(written)
