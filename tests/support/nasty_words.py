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

LOCAL_PARTS: Final = ("ada", "ada.lovelace+mail", "o'hara", "ädä", "用户", "a{}|~b", "=_", "a.b.c")
"""What may stand before an @ without quotes."""
MISPLACED_DOTS: Final = ("a..b", ".a", "a.", ".")
"""What some servers let through there, and no standard does (RFC 5322, 3.2.3)."""


def nasty_words(*, pieces: int = 8) -> st.SearchStrategy[str]:
    """Any text, or up to so many pieces of nasty ones."""
    return st.text(max_size=200) | st.lists(st.sampled_from(NASTY), max_size=pieces).map("".join)


_SAID: Final = (
    "well-known", "the vice-president's", "Online-Verwaltung", "--", "-", "a-", "https://choir.example/",
    "how-to-join-us?lang=en&page=2#section-4", "ada-lovelace@example.org",
    "我们不能批准您的注册。", "👩\u200d👩\u200d👧\u200d👦", "שלום", "e\u0301", "W" * 90,
    " ", " ", " ", "  ", "\n", "\r\n\r\n", "\t", "\u00a0", "\u3000", "\u2028", "<b>", "&amp;",
)  # fmt: skip


def typed_reasons() -> st.SearchStrategy[str]:
    """Make what an administrator may type for a reason: hyphens, links, scripts without blanks, emoji."""
    return st.lists(st.sampled_from(_SAID) | st.text(max_size=20), max_size=40).map("".join) | nasty_words()
