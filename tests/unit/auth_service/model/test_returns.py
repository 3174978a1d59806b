from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auth_service.model.returns import RETURN_CHARACTERS_MAX, canonical_origin, safe_return

OWN = "https://login.example.org"
APPS = frozenset({"https://app.example.org", "https://wiki.example.org:8443", "http://localhost:3000"})


def _safe(return_to: str | None) -> str | None:
    return safe_return(return_to, own_origin=OWN, return_origins=APPS)


@pytest.mark.parametrize(
    "return_to",
    [
        "/",
        "/account",
        "/account?tab=sessions#second",
        "/..//evil.example",  # a path all the way, once a browser has begun to read one
        f"{OWN}/admin",
        "https://app.example.org/notes?id=7&q=a%20b#top",
        "https://wiki.example.org:8443/",
        "http://localhost:3000/a|b",
    ],
)
def test_agreed_places_are_led_back_to(return_to: str) -> None:
    assert _safe(return_to) == return_to


@pytest.mark.parametrize(
    ("return_to", "canonical"),
    [
        ("HTTPS://App.Example.ORG:443/Notes", "https://app.example.org/Notes"),
        ("https://app.example.org", "https://app.example.org/"),
        ("https://app.example.org?q=1", "https://app.example.org?q=1"),
    ],
)
def test_an_agreed_place_is_written_in_its_one_form(return_to: str, canonical: str) -> None:
    assert _safe(return_to) == canonical


@pytest.mark.parametrize(
    "return_to",
    [
        None,
        "",
        "account",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/account\r\nSet-Cookie: a=b",
        " /account",
        "/\u0430ccount",
        "https://evil.example",
        "https://evil.example/https://app.example.org",
        "https://app.example.org.evil.example/",
        "https://app.example.org@evil.example/",
        "https://app.example.org:pw@evil.example/",
        "https://evil@app.example.org/",
        "https://app.example.org:8443/",
        "http://app.example.org/",
        "https:app.example.org",
        "https:/app.example.org",
        "https:///app.example.org",
        "https://",
        "https://app.example.org:port/",
        "https://[/",
        "javascript:alert(1)",
        "javascript://app.example.org/%0aalert(1)",
        "data:text/html,x",
        "ftp://app.example.org/",
        "/" + "a" * RETURN_CHARACTERS_MAX,
    ],
)
def test_anywhere_else_is_refused(return_to: str | None) -> None:
    assert _safe(return_to) is None


_PIECES = st.sampled_from(
    [
        *(
            "/",
            "\\",
            "//",
            "@",
            ":",
            "?",
            "#",
            ".",
            "..",
            "%2f",
            "%5c",
            "\t",
            "\r",
            "\n",
            " ",
            "\x00",
            "\u2044",
        ),
        *(
            "http:",
            "https:",
            "HTTPS://",
            "javascript:",
            "https://app.example.org",
            "https://login.example.org",
        ),
        *("app.example.org", "evil.example", ":443", ":8443", "a", "login", "[::1]", "\uff0f", "x" * 500),
    ]
)


@given(st.one_of(st.lists(_PIECES, max_size=8).map("".join), st.text(max_size=60)))
@example("https://app.example.org/")
def test_a_browser_is_never_led_anywhere_but_to_agreed_origins(return_to: str) -> None:
    safe = _safe(return_to)
    if safe is None:
        return
    assert safe.isascii()
    assert safe.isprintable()
    assert not set(safe) & {" ", "\\"}
    parts = urlsplit(urljoin(f"{OWN}/login", safe))
    assert f"{parts.scheme}://{parts.netloc}" in {OWN, *APPS}
    assert safe.startswith("/") or safe.removeprefix(f"{parts.scheme}://{parts.netloc}")[0] in "/?#"
    assert _safe(safe) == safe


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Login.Example.org", "https://login.example.org"),
        ("https://login.example.org:443/", "https://login.example.org"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert canonical_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        *(
            "login.example.org",
            "https://",
            "ftp://a.example",
            "https://a.example/path",
            "https://a.example?q",
        ),
        *("https://a.example#x", "https://me@a.example", "https://a.example:99999", "https://a.example:x"),
    ],
)
def test_what_is_more_or_less_than_an_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_origin(url)
