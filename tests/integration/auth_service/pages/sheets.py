"""A page as it is read: parsed, without a browser."""

from collections import defaultdict
from html.parser import HTMLParser

import httpx

FIELDS = {"input", "select", "textarea"}


class Sheet(HTMLParser):
    """What stands on a page: text, links, forms with their fields, and elements by tag or id."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.source = answer.text
        self.text = ""
        self.heading = ""
        self.links: set[str] = set()
        self.forms: dict[str, dict[str, str]] = {}
        self._elements: dict[str, dict[str, str]] = {}
        self._fields: dict[str, dict[str, str]] = defaultdict(dict)
        self._open: list[str] = []
        self._form: tuple[str, str] = ("", "")
        self.feed(answer.text)

    def attributes(self, name: str) -> dict[str, str]:
        """Give the attributes of the first element with this tag or id."""
        return self._elements[name]

    def is_hidden(self, name: str) -> bool:
        """Tell whether an element is hidden itself."""
        return "hidden" in self._elements[name]

    def fields(self, form: str) -> dict[str, str]:
        """Give the fields of a form, by its id or action, with what they hold."""
        return self._fields[form]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        for name in (tag, found.get("id")):
            if name:
                self._elements.setdefault(name, found)
        if tag == "a":
            self.links.add(found["href"])
        if tag == "form":
            self._form = found.get("id", ""), found.get("action", "")
            self.forms[found.get("action", "")] = self._fields[found.get("action", "")]
        if tag in FIELDS and "name" in found:
            for form in filter(None, self._form):
                self._fields[form][found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            return
        self.text += data
        if "h1" in self._open:
            self.heading += data.strip()
