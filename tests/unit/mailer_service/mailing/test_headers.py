import email
import email.header
import email.policy
import email.utils
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.names import plain_name
from mailer_service.mailing.headers import HeaderRefused, mailbox_value, words_value
from mailer_service.mailing.mailbox import Mailbox
from tests.support.nasty_words import LOCAL_PARTS, nasty_words

SHOWN = nasty_words(pieces=12).map(plain_name)


def parsed(field: str, value: str) -> EmailMessage:
    mail = email.message_from_bytes(
        f"{field}: {value}\r\nX-Next: here\r\n\r\n".encode(), policy=email.policy.default
    )
    assert isinstance(mail, EmailMessage)
    assert mail.keys() == [field, "X-Next"]
    assert not mail.defects
    return mail


def decoded(value: str) -> str:
    """Read encoded words as RFC 2047 says it.

    The library's older code does. Its parser leaves a blank between two of them in a name (6.2), before
    Python 3.13.
    """
    unfolded = value.replace("\r\n", "")
    return str(email.header.make_header(email.header.decode_header(unfolded)))


@given(SHOWN)
@example("=?utf-8?q?x?=")
@example("Ihr Zugang für Porter ist bereit")
@example("word " * 23 + "word")
@example("a" * 120)
def test_a_line_of_words_is_read_as_it_was_written(words: str) -> None:
    value = words_value(words, field="Subject")
    assert parsed("Subject", value)["Subject"] == words
    assert decoded(value) == words
    lines = f"Subject: {value}".split("\r\n")
    assert all(len(line) <= 78 and line.isascii() and line.strip() for line in lines)


@given(SHOWN, st.sampled_from(LOCAL_PARTS))
@example('Ada "the countess" Lovelace, \\o/ <eve@example.org>', "ada")
@example("=?utf-8?q?x?=", "ada")
@example("Dr. Ada", "a.b")
@example("🙂" * 120, "ada")
def test_a_mailbox_is_read_as_it_was_written(name: str, local: str) -> None:
    mailbox = Mailbox.of(f"{local}@example.org", name=name)
    value = mailbox_value(mailbox, field="To")
    (address,) = parsed("To", value)["To"].addresses
    local_part = address.username.encode(errors="surrogateescape").decode()
    assert (local_part, address.domain) == (mailbox.local, "example.org")
    shown, _ = email.utils.parseaddr(value.replace("\r\n", ""))
    assert decoded(shown) == mailbox.name
    assert all(len(line) <= 78 for line in f"To: {value}".split("\r\n"))
    assert value.isascii() != mailbox.needs_smtputf8


def test_what_is_plain_stays_plain() -> None:
    assert words_value("481502 is your Porter code", field="Subject") == "481502 is your Porter code"
    ada = Mailbox.of("ada@example.org", name="Ada Lovelace")
    assert mailbox_value(ada, field="To") == "Ada Lovelace <ada@example.org>"
    assert mailbox_value(Mailbox.of("ada@example.org"), field="To") == "ada@example.org"


def test_mostly_ascii_words_stay_readable_and_others_short() -> None:
    assert words_value("Für Sie", field="Subject") == "=?utf-8?q?F=C3=BCr_Sie?="
    assert words_value("日本語", field="Subject") == "=?utf-8?b?5pel5pys6Kqe?="


@pytest.mark.parametrize(
    "broken", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "\0", "\x85", "\x7f", "\ud800"]
)
def test_what_would_end_a_line_is_refused_and_not_repeated(broken: str) -> None:
    with pytest.raises(HeaderRefused) as refused:
        words_value(broken, field="Subject")
    assert broken not in str(refused.value)
    for mailbox in (Mailbox(broken, "ada", "example.org"), Mailbox("Ada", broken, "example.org")):
        with pytest.raises(HeaderRefused):
            mailbox_value(mailbox, field="To")
