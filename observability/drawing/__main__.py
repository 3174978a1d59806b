"""`python -m observability.drawing`: write the dashboards; `--check` fails when the files are not fresh."""

import json
import sys
from pathlib import Path
from typing import Final

from observability.drawing import panels, runbook
from observability.drawing.auth_api import AUTH_API
from observability.drawing.mail_delivery import MAIL_DELIVERY
from observability.drawing.sign_in_funnel import SIGN_IN_FUNNEL
from observability.drawing.stores import STORES

HERE: Final = Path(__file__).parent.parent
FOLDER: Final = HERE / "grafana" / "dashboards"
DASHBOARDS: Final = (SIGN_IN_FUNNEL, MAIL_DELIVERY, AUTH_API, STORES)


def drawn() -> dict[Path, str]:
    """Give every dashboard's file and text."""
    markdown = (HERE / "runbook.md").read_text("utf-8")
    alerts = list(runbook.sections(markdown))
    pages = [panels.as_json(dashboard, runbook=alerts) for dashboard in DASHBOARDS]
    return {
        FOLDER / f"{page['uid'].removeprefix('porter-')}.json": json.dumps(page, indent=1, ensure_ascii=False)
        + "\n"
        for page in (*pages, runbook.as_json(markdown))
    }


def main(words: list[str]) -> int:
    """Write the files, or with `--check` name those that differ and give 1."""
    files = drawn()
    if words == ["--check"]:
        there = {path: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
        stale = sorted(path.name for path in files.keys() | there if files.get(path) != there.get(path))
        for name in stale:
            sys.stderr.write(f"{name} is not what is drawn: run 'make dashboards'\n")
        return 1 if stale else 0
    for path, text in files.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
