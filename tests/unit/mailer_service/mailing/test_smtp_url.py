import pytest

from mailer_service.mailing.smtp_url import SmtpUrl


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("smtp://localhost:1025", SmtpUrl("localhost", 1025, "none")),
        ("smtp://mail.example.org", SmtpUrl("mail.example.org", 25, "none")),
        ("smtp+starttls://u:p@mail.example.org/", SmtpUrl("mail.example.org", 587, "starttls", "u", "p")),
        (
            "smtps://u%40x:p%3A%2F@mail.example.org:4650",
            SmtpUrl("mail.example.org", 4650, "tls", "u@x", "p:/"),
        ),
        ("smtps://[::1]", SmtpUrl("::1", 465, "tls")),
    ],
)
def test_an_address_says_where_and_how(url: str, parsed: SmtpUrl) -> None:
    assert SmtpUrl.parse(url) == parsed


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("http://mail.example.org", "smtp://"),
        ("mail.example.org:25", "smtp://"),
        ("", "smtp://"),
        ("smtp://", "HOST"),
        ("smtp://:25", "HOST"),
        ("smtp://mail..example.org:25", "host"),
        (f"smtp://{'a' * 64}.example.org", "host"),
        ("smtp://mail.example.org:99999", "65535"),
        ("smtp://mail.example.org:smtp", "65535"),
        ("smtp://mail.example.org:0", "65535"),
        ("smtp://secret@mail.example.org", "both"),
        ("smtp://:secret@mail.example.org", "both"),
        ("smtp://u:secret/x@mail.example.org", "%2F"),
        ("smtp://mail.example.org/?verify=no", "end after host"),
    ],
)
def test_a_wrong_address_names_its_mend_and_repeats_no_secret(url: str, mend: str) -> None:
    with pytest.raises(ValueError, match=r".+") as wrong:
        SmtpUrl.parse(url)
    assert mend in str(wrong.value)
    assert "secret" not in str(wrong.value)


def test_the_password_is_not_shown() -> None:
    url = SmtpUrl.parse("smtp://user:hidden@mail.example.org:25")
    assert "hidden" not in repr(url)
    assert url.provider == "mail.example.org:25"
