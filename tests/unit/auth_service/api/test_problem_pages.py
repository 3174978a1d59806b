"""`docs/problems.md` has a page for each problem there is, under its status, and for no other."""

import re
from pathlib import Path

from auth_service.api.problems import KINDS

DOCUMENT = (Path(__file__).parents[4] / "docs" / "problems.md").read_text(encoding="utf-8")


def test_each_problem_has_its_page_under_its_status_and_no_other_has() -> None:
    found: dict[str, int] = {}
    status = 0
    for marks, title in re.findall(r"(?m)^(##+) (\w+)$", DOCUMENT):
        if marks == "##":
            status = int(title)
        else:
            found[title] = status

    assert found == {code: kind.status for code, kind in KINDS.items()}


def test_no_page_is_empty() -> None:
    pages = re.split(r"(?m)^### \w+$", DOCUMENT)[1:]

    assert all(re.sub(r"(?m)^## \d+$", "", page).strip() for page in pages)
