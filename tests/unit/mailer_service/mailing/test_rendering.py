import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import AnyEvent
from contracts.names import plain_name
from mailer_service.mailing.letters import open_letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer, message_id
from tests.support.couriers import CODE, SEALER, account_approved, otp_requested, user_registered
from tests.support.mailed_events import (
    LINK,
    MAILED,
    account_reinstated,
    account_rejected,
    account_suspended,
    address_change_requested,
    address_changed,
    magic_link_requested,
    user_invited,
    user_signed_in,
)

AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
RENDERER = Renderer(
    sender=Mailbox.parse("Porter <porter@porter.test>"), public_url="https://login.porter.test"
)


def raw(event: AnyEvent, *, eight_bit: bool = True) -> bytes:
    letter = open_letter(event, position=0, sealer=SEALER)
    identity = message_id(event.id, letter.recipient, domain="porter.test")
    return RENDERER.render(letter, message_id=identity, written_at=AT, eight_bit=eight_bit)


def read(event: AnyEvent) -> EmailMessage:
    mail = email.message_from_bytes(raw(event), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_a_mail_says_what_it_is_in_its_headers() -> None:
    mail = read(otp_requested())
    assert mail["From"].addresses == (Address("Porter", "porter", "porter.test"),)
    assert mail["To"].addresses == (Address("Ada Lovelace", "ada", "example.org"),)
    assert mail["Subject"] == f"{CODE} is your Porter code"
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"].endswith("@porter.test>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_code_is_there_to_read_and_not_to_click(kind: str) -> None:
    said = body(read(otp_requested()), kind)
    assert set(re.findall(r"(?<![\w#])\d{6,8}(?!\w)", said)) == {CODE}
    assert "10 minutes" in said
    assert "ignore this mail" in said
    assert "href" not in said


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_notice_says_who_and_where_to_decide(kind: str) -> None:
    said = body(read(user_registered("admin@example.org")), kind)
    assert "Grace Hopper" in said
    assert "grace@example.org" in said
    assert "https://login.porter.test/admin" in said


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_approval_leads_to_the_sign_in_page(kind: str) -> None:
    said = body(read(account_approved()), kind)
    assert "Hello Ada Lovelace," in said
    assert "https://login.porter.test/login" in said


def test_an_approval_greets_someone_without_a_name() -> None:
    assert "Hello,\n" in body(read(account_approved(name="")), "plain")


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_link_is_there_to_click_and_to_copy(kind: str) -> None:
    said = body(read(magic_link_requested()), kind)
    assert LINK in said
    assert "works once" in said
    assert "10 minutes" in said
    assert "ignore this mail" in said
    assert re.findall(r"https?://[^\s\"<]+", said) == [LINK] * (1 if kind == "plain" else 3)


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_with_both_the_code_comes_first_and_the_link_beneath(kind: str) -> None:
    mail = read(magic_link_requested(code=CODE))
    said = body(mail, kind)
    assert mail["Subject"] == f"{CODE} is your Porter code"
    assert said.index(f"{CODE}") < said.index(LINK)
    assert "without the code or the link" in " ".join(said.split())


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_code_for_a_new_address_says_what_it_does(kind: str) -> None:
    mail = read(address_change_requested())
    said = body(mail, kind)
    assert CODE in mail["Subject"]
    assert "new Porter address" in mail["Subject"]
    assert set(re.findall(r"(?<![\w#])\d{6,8}(?!\w)", said)) == {CODE}
    assert "this the address of your" in said
    assert "nothing changes" in said


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("decided", [account_rejected, account_suspended])
def test_a_decision_is_told_with_its_reason_if_there_is_one(
    decided: Callable[[str | None], AnyEvent], kind: str
) -> None:
    assert "Members only." in body(read(decided("Members only.")), kind)
    for unsaid in (None, "", " \r\n "):
        assert "What they say" not in body(read(decided(unsaid)), kind)


def test_a_reason_in_lines_of_its_own_stays_one_indented_paragraph() -> None:
    said = body(read(account_rejected("No.\r\n\r\n-- \r\nPorter " + "and more " * 40)), "plain")
    _, _, quoted = said.partition("What they say about it:\n\n")
    quoted, _, _ = quoted.partition("\n\n")
    assert quoted.startswith("    No. -- Porter and more")
    assert all(line.startswith("    ") and len(line) <= 74 for line in quoted.splitlines())


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("event", [account_reinstated, user_invited])
def test_who_may_come_in_is_led_to_the_sign_in_page(event: Callable[[], AnyEvent], kind: str) -> None:
    assert "https://login.porter.test/login" in body(read(event()), kind)


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_invitation_says_who_invites(kind: str) -> None:
    mail = read(user_invited("Grace Hopper"))
    assert mail["Subject"] == "Grace Hopper invites you to Porter"
    assert "Grace Hopper" in body(mail, kind)


def test_an_invitation_by_someone_without_a_name_still_reads() -> None:
    mail = read(user_invited(""))
    assert mail["Subject"] == "You are invited to Porter"
    assert "You are invited to Porter." in body(mail, "plain")


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_old_address_learns_of_the_new_one_and_cannot_read_it(kind: str) -> None:
    mail = read(address_changed("countess@example.net"))
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.org"]
    said = body(mail, kind)
    assert "c•••@e•••.net" in said
    assert "countess" not in said
    assert "tell the people who run Porter at once" in " ".join(said.split())


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_new_sign_in_says_from_what_and_where_and_when_and_how_to_end_it(kind: str) -> None:
    said = body(read(user_signed_in(at=AT)), kind)
    for told in ("Firefox on Linux", "2001:db8::7", "March 1, 2026, 14:05 UTC"):
        assert told in said
    assert "https://login.porter.test/account" in said


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_what_is_not_known_of_a_sign_in_is_said_to_be_not_known(kind: str) -> None:
    assert body(read(user_signed_in(device="", client_address="")), kind).count("not known") == 2


TYPED = "<img src=x onerror=alert(1)>\r\nBcc: eve@example.org"


@pytest.mark.parametrize(
    "event",
    [
        account_rejected(TYPED),
        account_suspended(TYPED),
        user_invited(TYPED),
        address_changed(f"{TYPED}@example.net"),
        user_signed_in(device=TYPED),
        user_signed_in(client_address=TYPED),
        magic_link_requested(link=f'{LINK}"{TYPED}'),
    ],
    ids=lambda event: str(type(event).__name__),
)
def test_whatever_was_typed_makes_no_tag_and_no_header(event: AnyEvent) -> None:
    mail = read(event)
    assert "<img" not in body(mail, "html")
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.org"]


def test_html_shows_a_name_as_text() -> None:
    mail = read(user_registered("admin@example.org", name="<img src=x onerror=alert(1)> & Co"))
    html = body(mail, "html")
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; Co" in html
    assert "<img src=x onerror=alert(1)> & Co" in body(mail, "plain")


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("name", MAILED)
def test_html_shows_the_readers_name_as_text_too(name: str, eight_bit: bool) -> None:  # noqa: FBT001 - a parameter
    letter = open_letter(MAILED[name](), position=0, sealer=SEALER)
    letter = replace(letter, facts={**letter.facts, "name": "<b>Ada</b>"})
    sent = RENDERER.render(letter, message_id="<1@x.test>", written_at=AT, eight_bit=eight_bit)
    mail = email.message_from_bytes(sent, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert "<b>Ada" not in body(mail, "html")
    assert ("<b>Ada</b>" in body(mail, "plain")) == ("&lt;b&gt;Ada&lt;/b&gt;" in body(mail, "html"))


def test_a_name_adds_no_header_and_no_line() -> None:
    mail = read(account_approved(name="Ada\r\nBcc: eve@example.org\r\n\r\nHello"))
    assert mail["Bcc"] is None
    assert len(mail["To"].addresses) == 1
    notice = read(user_registered("admin@example.org", name="Eve\r\nAddress: nice@example.org"))
    assert notice["Subject"] == "Porter: Eve Address: nice@example.org asks to be let in"
    assert "\nAddress: nice@example.org" not in body(notice, "plain")


@given(st.text(max_size=200))
def test_whatever_the_name_the_mail_goes_to_the_address_alone(name: str) -> None:
    mail = read(account_approved(name=name))
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.org"]
    assert plain_name(name) in body(mail, "plain")


def test_a_server_without_8bitmime_gets_ascii_alone() -> None:
    notice = user_registered("admin@example.org", name="Łukasz Żółć" * 8)
    lines = raw(notice, eight_bit=False).split(b"\r\n")
    assert all(len(line) <= 78 and line.isascii() and b"\n" not in line for line in lines)
    assert not raw(notice).isascii()


def test_replies_go_to_whoever_helps() -> None:
    assert read(otp_requested())["Reply-To"] is None
    help_desk = Mailbox.parse("Help <help@porter.test>")
    renderer = Renderer(sender=RENDERER.sender, public_url="https://login.porter.test", reply_to=help_desk)
    letter = open_letter(otp_requested(), position=0, sealer=SEALER)
    for eight_bit in (True, False):
        sent = renderer.render(letter, message_id="<1@x.test>", written_at=AT, eight_bit=eight_bit)
        mail = email.message_from_bytes(sent, policy=email.policy.default)
        assert mail["Reply-To"] == "Help <help@porter.test>"


def test_the_same_event_makes_the_same_bytes() -> None:
    event = otp_requested()
    assert raw(event) == raw(event)


def test_a_message_id_is_the_same_each_time_and_another_for_each_recipient() -> None:
    event_id, ada, bob = uuid4(), Mailbox.of("ada@example.org"), Mailbox.of("bob@example.org")
    assert message_id(event_id, ada, domain="x.test") == message_id(event_id, ada, domain="x.test")
    assert message_id(event_id, ada, domain="x.test") != message_id(event_id, bob, domain="x.test")
    assert message_id(UUID(int=1), ada, domain="x.test") != message_id(UUID(int=2), ada, domain="x.test")
    assert re.fullmatch(r"<[0-9a-f]{40}@x\.test>", message_id(event_id, ada, domain="x.test"))


@pytest.mark.parametrize("name", MAILED)
def test_every_mail_is_whole(name: str) -> None:
    mail = read(MAILED[name]())
    assert mail["Subject"].strip()
    assert "\n\n\n" not in body(mail, "plain")
    assert all(len(line) <= 85 or "https://" in line for line in body(mail, "plain").splitlines())
    assert body(mail, "plain").endswith("\n-- \nPorter, login.porter.test\n")
    assert body(mail, "html").count("</html>") == 1


def test_a_service_without_a_name_is_called_by_its_host() -> None:
    renderer = Renderer(sender=Mailbox.parse("porter@porter.test"), public_url="https://login.porter.test")
    letter = open_letter(account_approved(), position=0, sealer=SEALER)
    sent = renderer.render(letter, message_id="<1@porter.test>", written_at=AT, eight_bit=True)
    assert b"Subject: Your login.porter.test account is ready" in sent
    assert renderer.mails == tuple(sorted(MAILED))
