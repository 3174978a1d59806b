"""A mail's HTML as its reader meets it."""

from collections.abc import Iterator
from html.parser import HTMLParser

BLOCKS = {"p", "td", "h1", "div", "table", "tr", "body"}
"""Elements that begin and end a paragraph."""


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


class Paragraphs(HTMLParser):
    """What someone sees of a mail, paragraph by paragraph, each with its element and its classes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._inside: list[tuple[str, str]] = []
        self._words = ""
        self._found: list[tuple[str, str]] = []
        self.feed(html)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Give where each stands ("p quiet"), and its words, white space collapsed."""
        return iter(self._found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self._end()
        if tag == "br":
            self._words += " "
        elif tag != "meta":
            given = dict(attrs)
            hidden = tag in {"style", "title"} or "display: none" in (given.get("style") or "")
            self._inside.append((tag, "hidden" if hidden else given.get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self._end()
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "hidden" not in (kind for _, kind in self._inside):
            self._words += data

    def _end(self) -> None:
        words, self._words = " ".join(self._words.split()), ""
        if words:
            blocks = [f"{tag} {kind}" for tag, kind in self._inside if tag in BLOCKS]
            self._found.append((blocks[-1], words))
