"""`.env.example` and the README name every setting there is, and no other, with its true default."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from auth_service.settings import AuthSettings
from contracts.environment import SharedSettings
from mailer_service.settings import MailerSettings

ROOT = Path(__file__).parents[2]
FIELDS = {
    str(field.validation_alias): field
    for settings in (SharedSettings, AuthSettings, MailerSettings)
    for field in settings.model_fields.values()
}


def example() -> dict[str, tuple[str, bool]]:
    """Read `.env.example`: each variable's value, and whether its line is commented out."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return {name: (value, bool(mark)) for mark, name, value in re.findall(r"(?m)^(#?)([A-Z_]+)=(.*)$", text)}


def as_written(default: Any) -> str:  # noqa: ANN401 - a default is anything
    match default:
        case bool():
            return str(default).lower()
        case tuple() | frozenset():
            return ",".join(str(part) for part in default)
        case _:
            return str(default)


def test_the_example_names_every_setting_and_no_other() -> None:
    assert example().keys() == FIELDS.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_what_must_be_set_stands_there_to_be_filled_in_and_the_rest_is_commented_out(name: str) -> None:
    _, commented_out = example()[name]

    assert commented_out != FIELDS[name].is_required()


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in FIELDS.items()
        if field.default is not PydanticUndefined and field.default is not None
    ],
)
def test_a_commented_line_shows_the_true_default(name: str) -> None:
    value, _ = example()[name]

    assert value == as_written(FIELDS[name].default)


def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| (`[A-Z_`, ]+`) \|", (ROOT / "README.md").read_text(encoding="utf-8"))
    listed = [name for row in rows for name in re.findall(r"[A-Z_]+", row)]

    assert sorted(listed) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_advice_for_whoever_gets_it_wrong(name: str) -> None:
    extra = FIELDS[name].json_schema_extra

    assert isinstance(extra, dict)
    assert extra["mend"]
