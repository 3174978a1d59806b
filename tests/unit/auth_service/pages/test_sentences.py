import pytest

from auth_service.api.problems import KINDS, Problem
from auth_service.pages.catalogues import read_catalogues
from auth_service.pages.sentences import PROBLEMS, sentence_of

OF_PROGRAMS = {"invalid_json", "not_found", "method_not_allowed", "body_too_large", "unsupported_media_type"}
"""Problems of those who write requests themselves: no page causes them."""
TOLD_OTHERWISE = {"invalid_request", "invalid_code", "link_elsewhere"}
"""By field, by count, and by a question."""
GERMAN = read_catalogues()["de"].translations


def test_every_problem_that_people_meet_has_a_sentence() -> None:
    assert set(PROBLEMS) == set(KINDS) - OF_PROGRAMS - TOLD_OTHERWISE | {"unreachable"}


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem("forbidden", "Only …"), "Das dürfen nur Administratoren."),
        (
            Problem("invalid_request", "email: …", extra={"errors": [{"field": "email", "message": "…"}]}),
            "Das ist keine E-Mail-Adresse wie ada@example.org.",
        ),
        (Problem("invalid_request", "q: …", extra={"errors": [{"field": "q", "message": "…"}]}), "q: …"),
        (Problem("invalid_request", "The form cannot be read."), "The form cannot be read."),
        (
            Problem("invalid_code", "…", extra={"attempts_left": 1}),
            "Das ist nicht der Code. Sie haben noch einen Versuch.",
        ),
        (
            Problem("invalid_code", "…", extra={"attempts_left": 3}),
            "Das ist nicht der Code. Sie haben noch 3 Versuche.",
        ),
        (
            Problem("invalid_code", "…", extra={"attempts_left": 0}),
            "Das ist nicht der Code, und das war der letzte Versuch. Fordern Sie einen neuen an.",
        ),
        (
            Problem("not_found", "Nothing is found under this address."),
            "Nothing is found under this address.",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Problem) else "",
)
def test_a_problem_is_told_in_the_readers_language(problem: Problem, told: str) -> None:
    assert sentence_of(problem, translations=GERMAN) == told
