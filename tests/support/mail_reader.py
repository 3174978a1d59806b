"""A mail's HTML as its reader meets it."""

from html.parser import HTMLParser


class Reader(HTMLParser):
    """What someone sees of a mail, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.sources: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"style", "title"} or "display: none" in (given.get("style") or ""):
            self._hidden += 1
        if tag == "a":
            self.links.append(given["href"] or "")
        self.sources += [value or "" for name, value in attrs if name in {"src", "background", "srcset"}]

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "title"} or (tag == "div" and self._hidden):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data
