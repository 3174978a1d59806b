"""Code out of the documentation, so that tests run what readers copy."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Give the blocks of one language on a page of `docs/`, in their order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def shell_words(page: str, beginning: str) -> str:
    """Give the one shell command of a page that begins so, on one line."""
    commands = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    (found,) = (command for command in commands if command.startswith(beginning))
    return found
