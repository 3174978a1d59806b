"""The page of figures: what was kept of each measurement, written into `docs/benchmarks.md`.

Between `<!-- NAME -->` and `<!-- end -->` stands what is written here; the words around it are the author's.
"""

import re
from typing import Final

from tests.benchmarks.drain.machine import machine
from tests.benchmarks.drain.results import kept
from tests.benchmarks.drain.tables import DOCS, TABLES

PAGE: Final = DOCS / "benchmarks.md"


def write() -> list[str]:
    """Write anew what there are results for; give the names of those parts."""
    page, written = PAGE.read_text(), []
    for name, table in TABLES.items():
        result = kept(name)
        if result is not None:
            page = _replaced(page, name, table(result))
            written.append(name)
    PAGE.write_text(_replaced(page, "machine", "\n".join(f"- {line}" for line in machine())))
    return written


def _replaced(page: str, name: str, told: str) -> str:
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"{PAGE.name} has no place for {name}")
    return marked.sub(lambda found: f"{found[1]}\n{told}\n\n{found[2]}", page)
