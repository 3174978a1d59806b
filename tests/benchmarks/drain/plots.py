"""Plots as SVG, written by hand: bars, and spans between two marks. They are read in light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 760
LABELS: Final = 150
ROW: Final = 30
EDGE: Final = 12
"""Of ground around it: whoever shows the plot may show it on any other."""
TOP: Final = 46
VALUES: Final = 130
"""Left to the right of the longest bar, for its figure."""

STYLE: Final = """
.ground { fill: #ffffff }
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.quiet { fill: #59636e }
.other { fill: #8c959f }
.porter { fill: #0969da }
.line { stroke: #8c959f; stroke-width: 3 }
.porter-line { stroke: #0969da; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117 }
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .other { fill: #656c76 }
  .porter { fill: #4493f8 }
  .line { stroke: #656c76 }
  .porter-line { stroke: #4493f8 }
}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One system in a plot."""

    name: str
    values: tuple[float, ...]
    """One for a bar; several, in order, for a span with a mark at each."""
    figure: str


def bars(title: str, subtitle: str, rows: Sequence[Row]) -> str:
    """Draw a bar for each row."""
    scale = (WIDTH - LABELS - VALUES) / max(row.values[0] for row in rows)
    drawn = [
        f'<rect class="{_kind(row)}" x="{LABELS}" y="{_top(place) + 6}" '
        f'width="{max(1.0, row.values[0] * scale):.1f}" height="{ROW - 12}" rx="2"/>'
        f"{_text(LABELS + row.values[0] * scale + 8, place, row.figure)}"
        for place, row in enumerate(rows)
    ]
    return _plot(title, subtitle, rows, drawn)


def spans(title: str, subtitle: str, rows: Sequence[Row]) -> str:
    """Draw a line from each row's first value to its last, and a mark at each of its values."""
    scale = (WIDTH - LABELS - VALUES) / max(row.values[-1] for row in rows)
    drawn = []
    for place, row in enumerate(rows):
        at = [LABELS + value * scale for value in row.values]
        middle = _top(place) + ROW / 2
        line = "porter-line" if _kind(row) == "porter" else "line"
        marks = "".join(
            f'<circle class="{_kind(row)}" cx="{x:.1f}" cy="{middle}" r="{6 - 1.5 * number:.1f}"/>'
            for number, x in enumerate(at)
        )
        drawn.append(
            f'<line class="{line}" x1="{at[0]:.1f}" y1="{middle}" x2="{at[-1]:.1f}" y2="{middle}"/>'
            f"{marks}{_text(at[-1] + 10, place, row.figure)}"
        )
    return _plot(title, subtitle, rows, drawn)


def _plot(title: str, subtitle: str, rows: Sequence[Row], drawn: Sequence[str]) -> str:
    height = TOP + ROW * len(rows) + 8
    told = "; ".join(f"{row.name} {row.figure}" for row in rows)
    seen = f"{-EDGE} {-EDGE} {WIDTH + 2 * EDGE} {height + 2 * EDGE}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{seen}" role="img">',
        f"<title>{escape(f'{title}: {told}')}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="{-EDGE}" y="{-EDGE}" width="100%" height="100%" rx="6"/>',
        f'<text class="title" x="0" y="15">{escape(title)}</text>',
        f'<text class="quiet" x="0" y="33">{escape(subtitle)}</text>',
    ]
    for place, (row, shapes) in enumerate(zip(rows, drawn, strict=True)):
        middle = _top(place) + ROW / 2 + 4.5
        lines += [
            f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end">{escape(row.name)}</text>',
            shapes,
        ]
    return "\n".join([*lines, "</svg>", ""])


def _text(x: float, place: int, words: str) -> str:
    return f'<text class="quiet" x="{x:.1f}" y="{_top(place) + ROW / 2 + 4.5}">{escape(words)}</text>'


def _top(place: int) -> int:
    return TOP + ROW * place


def _kind(row: Row) -> str:
    return "porter" if row.name.startswith("Porter") else "other"
