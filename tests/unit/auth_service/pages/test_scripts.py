"""What the table of scripts says is what the scripts themselves say."""

import re

import pytest

from auth_service.pages.rendering import TEMPLATES
from auth_service.pages.routes import STATIC
from auth_service.pages.scripts import MENU, SCRIPTS, WITH_MENU, scripts_of

IMPORT = re.compile(r'^import (?:.* from )?"\./([^"]+)";$', flags=re.MULTILINE)


def imports_of(script: str) -> set[str]:
    """Find what a script needs, and what that needs in turn."""
    own = set(IMPORT.findall((STATIC / script).read_text(encoding="utf-8")))
    return own.union(*map(imports_of, own))


@pytest.mark.parametrize("scripts", [*SCRIPTS.values(), MENU], ids=[*SCRIPTS, "menu"])
def test_a_page_names_just_what_its_script_imports(scripts: tuple[str, ...]) -> None:
    *named, started = scripts
    assert set(named) == imports_of(started)
    assert len(set(scripts)) == len(scripts)


def test_every_script_belongs_to_a_page() -> None:
    assert {path.name for path in STATIC.glob("*.js")} == set(MENU).union(*SCRIPTS.values())


def test_the_menu_works_wherever_there_is_one() -> None:
    with_bar = {path.stem for path in TEMPLATES.glob("*.html") if '"house.html"' in path.read_text()}
    assert with_bar == WITH_MENU
    assert scripts_of("account")[1] == ("account.js", "menu.js")
    assert scripts_of("members") == (MENU[:-1], ("menu.js",))
    assert scripts_of("login")[1] == ("login.js",)
    assert scripts_of("away") == ((), ())
    for page in SCRIPTS:
        imported, started = scripts_of(page)
        assert len({*imported, *started}) == len(imported) + len(started)


def test_no_script_makes_markup_of_words() -> None:
    for path in STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser", path.read_text()
        )
