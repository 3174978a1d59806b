"""The runbook as a dashboard, so that a panel's link leads to what to do: a text panel for each alert."""

import re

from observability.drawing.panels import COLUMNS, RUNBOOK_UID, Json, layout, page

_HEIGHT = 14


def sections(markdown: str) -> dict[str, str]:
    """Give the text under each second-level heading, in order."""
    parts = re.split(r"^## (.+)$", markdown, flags=re.MULTILINE)
    return {title.strip(): body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def as_json(markdown: str) -> Json:
    """Draw the runbook; the panel of the n-th section has the id n."""
    found = sections(markdown)
    places = layout([COLUMNS // 2] * len(found), height=_HEIGHT)
    panels = [
        {
            "id": number,
            "type": "text",
            "title": title,
            "gridPos": place,
            "options": {"mode": "markdown", "content": body},
        }
        for number, ((title, body), place) in enumerate(zip(found.items(), places, strict=True), 1)
    ]
    return page(
        uid=RUNBOOK_UID, title="Runbook", tells="What each alert means and what to do.", panels=panels
    )
