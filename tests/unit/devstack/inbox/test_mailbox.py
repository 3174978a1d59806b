from devstack.inbox.mail import Mail
from devstack.inbox.mailbox import Mailbox


def keep(mailbox: Mailbox, subject: str, body: str = "Hello", headers: str = "") -> Mail:
    raw = (
        f"From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nSubject: {subject}\r\n{headers}\r\n{body}\r\n"
    )
    return mailbox.add(sender="ada@example.org", recipients=["bob@example.org"], raw=raw.encode())


def test_the_oldest_mails_make_room_for_the_newest() -> None:
    mailbox = Mailbox(mails_max=2)
    for subject in ("one", "two", "three"):
        keep(mailbox, subject)
    assert [mail.subject for mail in mailbox] == ["two", "three"]
    assert [mail.subject for mail in mailbox.newest_first()] == ["three", "two"]


def test_a_mail_is_found_by_its_id_and_the_newest_as_latest() -> None:
    mailbox = Mailbox()
    one, two = keep(mailbox, "one"), keep(mailbox, "two")
    assert mailbox.get(one.id) is one
    assert mailbox.get("latest") is two
    assert mailbox.get("nonsense") is None


def test_an_empty_mailbox_has_no_latest() -> None:
    assert Mailbox().get("latest") is None


def test_a_mail_without_headers_can_be_read() -> None:
    mail = Mailbox().add(sender="", recipients=[], raw=b"just words\r\n")
    assert (mail.subject, mail.message_id, mail.addresses("From")) == ("", "", ())


def test_an_unknown_character_set_does_not_hide_the_mail() -> None:
    mail = keep(Mailbox(), "odd", headers="Content-Type: text/plain; charset=klingon\r\n")
    assert "unknown character set" in mail.body("plain")


def test_a_snippet_is_the_first_words_in_one_line() -> None:
    assert keep(Mailbox(), "x", body="Hello\r\n\r\n  Bob").snippet == "Hello Bob"
    assert len(keep(Mailbox(), "x", body="word " * 500).snippet) == 250
