"""What people might type where a name or a reason is asked for, to make a mail say something else."""

from typing import Final

from hypothesis import strategies as st

NASTY: Final = (
    "Ada Lovelace", " ", "  ", ",", ";", ":", "@", "<", ">", "(", ")", "[", "]", '"', "'", "\\", "`", "&amp;",
    "<script>alert(1)</script>", "{{ code }}", "{% if %}", "%s", "%(name)s", "$",
    "=?utf-8?q?x?=", "=?utf-8?b?eA==?=", "=?", "?=", "=_", "=3D", "--", "--=_0", "\n--=_0--\n", "-- \n",
    "\r\nBcc: eve@example.org", "\nBcc: eve@example.org", "\rBcc: eve@example.org", "\r\n\r\n", "\n.\n",
    ".", "..", "\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\t", "\u00a0", "\ufeff",
    "\ud800", "Żółć", "Jürgen", "日本語", "🙂", "👩\u200d🚀", "שלום", "مرحبا", "\u202e", "\u2066", "\u200f",
    "e\u0301", "Content-Type: text/html", "From eve", "x" * 100, "ü" * 100,
)  # fmt: skip
"""Each tried some door or other: headers, encoded words, boundaries, line ends, directions, markup."""

LOCAL_PARTS: Final = (
    "ada",
    "ada.lovelace+mail",
    "o'hara",
    "a..b",
    ".a",
    "ädä",
    "用户",
    "a{}|~b",
)


def nasty_words(*, pieces: int = 8) -> st.SearchStrategy[str]:
    """Any text, or up to so many pieces of nasty ones."""
    return st.text(max_size=200) | st.lists(st.sampled_from(NASTY), max_size=pieces).map("".join)
