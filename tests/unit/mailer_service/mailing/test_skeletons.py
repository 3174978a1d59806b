"""What a skeleton writes is held against the standard library's own message, whatever the mail is told."""

import email
import email.policy
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.headers import mailbox_value
from mailer_service.mailing.languages import LANGUAGES
from mailer_service.mailing.letters import TO_STRANGERS, Letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.samples import bare_letter, sample_letter
from mailer_service.mailing.skeletons import DependsOnFacts, Skeletons, compiled
from mailer_service.mailing.standard import EIGHT_BIT, boundary, standard_message
from mailer_service.mailing.templates import Templates, Words
from mailer_service.mailing.wording import one_paragraph, worded
from tests.support.nasty_words import LOCAL_PARTS, nasty_words

AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
IDENTITY = "<0123456789abcdef0123456789abcdef01234567@porter.test>"
SENDER = Mailbox.parse("Porter & Söhne <porter@porter.test>")
HELP = Mailbox.parse("Help <help@porter.test>")
URL = "https://login.porter.test"
TEMPLATES = Templates(brand=Brand("Porter & Söhne", support="help@porter.test"), public_url=URL)
RENDERER = Renderer(
    sender=SENDER, public_url=URL, reply_to=HELP, brand=Brand("Porter & Söhne", support="help@porter.test")
)
FIELDS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
]


@st.composite
def letters(draw: st.DrawFn) -> Letter:
    """Any mail in any language to anyone, with anything where words were typed."""
    mail, language = draw(st.sampled_from(TEMPLATES.mails)), draw(st.sampled_from(LANGUAGES))
    sample = sample_letter(mail, language)
    words = nasty_words().map(one_paragraph)
    facts = {name: draw(words) if isinstance(fact, str) else fact for name, fact in sample.facts.items()}
    address = f"{draw(st.sampled_from(LOCAL_PARTS))}@bücher.example"
    return replace(sample, recipient=Mailbox.of(address, name=draw(nasty_words())), facts=facts)


def written(letter: Letter, *, eight_bit: bool) -> bytes:
    return RENDERER.render(letter, message_id=IDENTITY, written_at=AT, eight_bit=eight_bit)


def read(raw: bytes) -> EmailMessage:
    """Read a mail that has no line too long, and none that is ended in another way than by CRLF."""
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not set(b"\r\n\0") & set(raw.replace(b"\r\n", b""))
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not any(part.defects for part in mail.walk())
    return mail


def parts(mail: EmailMessage) -> list[tuple[str, str]]:
    assert mail.get_content_type() == "multipart/alternative"
    return [(part.get_content_type(), part.get_content().replace("\r\n", "\n")) for part in mail.iter_parts()]


def headers(mail: EmailMessage) -> Mapping[str, str]:
    return {name: str(value) for name, value in mail.items()}


def library(words: Words) -> bytes:
    """Let the library write the words by itself; of the subject it would make other words."""
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = AT
    mail["Message-ID"] = IDENTITY
    mail.set_content(words.text)
    mail.add_alternative(words.html, subtype="html")
    return mail.as_bytes()


def reasoned(mail: str, reason: str) -> Letter:
    sample = sample_letter(mail, "de")
    return replace(sample, facts={**sample.facts, "reason": one_paragraph(reason)})


@settings(deadline=None, max_examples=50)
@given(letters())
@example(reasoned("account_rejected", "x" * 1000))
@example(reasoned("account_suspended", "🙂" * 1000))
@example(reasoned("account_suspended", f"--{boundary(IDENTITY)}--"))
def test_a_skeleton_and_the_standard_library_write_the_same_mail(letter: Letter) -> None:
    words = TEMPLATES.words(letter)
    filled, standard = read(written(letter, eight_bit=True)), read(written(letter, eight_bit=False))
    said = [("text/plain", words.text), ("text/html", words.html)]
    assert parts(filled) == parts(standard) == parts(read(library(words))) == said
    assert headers(filled).keys() == headers(standard).keys() == {*FIELDS, "MIME-Version", "Content-Type"}
    for name in FIELDS:
        assert filled[name] == standard[name]
    assert filled["Subject"] == words.subject
    assert filled["Date"].datetime == AT
    assert filled["Message-ID"] == IDENTITY
    assert filled["From"].addresses[0].addr_spec == "porter@porter.test"
    assert filled["Reply-To"] == "Help <help@porter.test>"
    (to,) = filled["To"].addresses
    assert to.username.encode(errors="surrogateescape").decode() == letter.recipient.local
    assert to.domain == letter.recipient.domain


@pytest.mark.parametrize(("mail", "language"), list(product(TEMPLATES.mails, LANGUAGES)))
def test_each_mail_is_its_skeleton_filled_in(mail: str, language: str) -> None:
    skeletons = Skeletons(TEMPLATES, sender=SENDER, reply_to=HELP)
    for letter in (sample_letter(mail, language), bare_letter(mail, language)):
        facts = worded(letter.facts, language)
        skeleton = skeletons.of(mail, language, facts)
        assert skeleton is not None
        to = mailbox_value(letter.recipient, field="To")
        raw = skeleton.filled_in(facts, to=to, date="Sun, 01 Mar 2026 14:05:00 +0000", message_id=IDENTITY)
        assert raw == written(letter, eight_bit=True)
        assert skeletons.of(mail, language, facts) is skeleton


def test_what_is_prepared_is_every_mail_in_every_language_with_all_facts_and_with_few() -> None:
    renderer = Renderer(sender=SENDER, public_url=URL)
    sparse = len(renderer.mails) - len(TO_STRANGERS)  # those have no fact that may be empty: one form each
    assert renderer.prepare() == (len(renderer.mails) + sparse) * len(LANGUAGES)
    assert renderer.prepare() == (len(renderer.mails) + sparse) * len(LANGUAGES)


def test_a_line_too_long_for_smtp_is_left_to_the_library() -> None:
    sample = sample_letter("magic_link", "en")
    letter = replace(sample, facts={**sample.facts, "link": f"https://login.porter.test/{'x' * 990}"})
    raw = written(letter, eight_bit=True)
    assert parts(read(raw))[0][1] == TEMPLATES.words(letter).text
    assert b"Content-Transfer-Encoding: quoted-printable" in raw
    assert b"Content-Transfer-Encoding: 8bit" in written(sample, eight_bit=True)


def test_what_looks_like_the_end_of_a_part_ends_none() -> None:
    forged = f"--{boundary(IDENTITY)}\nContent-Type: text/html\n\n<b>forged</b>\n--{boundary(IDENTITY)}--\n"
    skeleton = Skeletons(TEMPLATES, sender=SENDER, reply_to=HELP).of(
        "account_approved", "en", {"name": "Ada"}
    )
    assert skeleton is not None
    assert skeleton.filled_in({"name": forged}, to="a@b.test", date="", message_id=IDENTITY) is None
    words = Words(subject="Hello", text=forged, html="<p>Hello</p>")
    mail = read(
        standard_message(
            words,
            sender=SENDER,
            recipient=HELP,
            reply_to=None,
            message_id=IDENTITY,
            written_at=AT,
            policy=EIGHT_BIT,
        )
    )
    assert parts(mail) == [("text/plain", forged), ("text/html", "<p>Hello</p>\n")]


def test_a_line_that_begins_with_a_dot_stays_as_it_is() -> None:
    letter = reasoned("account_rejected", "x" * 70 + " . .. ..." + " . " * 60)
    assert parts(read(written(letter, eight_bit=True)))[0][1] == TEMPLATES.words(letter).text


@pytest.mark.parametrize("name", ["{{ name | upper }}", "{% if name == 'x' %}{% endif %}{{ name[:9] }}"])
def test_a_template_that_changes_a_fact_has_no_skeleton_and_is_written_all_the_same(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "greeting").mkdir()
    for part in ("subject.txt", "body.txt", "body.html"):
        (tmp_path / "greeting" / part).write_text(f"Hello {name}\n")
    templates = Templates(brand=Brand("Porter"), public_url=URL, folder=tmp_path)
    with pytest.raises(DependsOnFacts, match="the mail says"):
        compiled("greeting", "en", {"name": True}, templates=templates, sender=SENDER, reply_to=None)
    skeletons = Skeletons(templates, sender=SENDER, reply_to=None)
    assert skeletons.of("greeting", "en", {"name": "Ada"}) is None
    assert skeletons.of("greeting", "en", {"name": ""}) is not None
    assert len(skeletons) == 1


def test_there_are_never_more_skeletons_than_may_be() -> None:
    skeletons = Skeletons(TEMPLATES, sender=SENDER, reply_to=None, count_max=1)
    first = skeletons.of("account_approved", "en", {"name": "Ada"})
    assert first is not None
    assert skeletons.of("account_approved", "de", {"name": "Ada"}) is None
    assert skeletons.of("account_approved", "en", {"name": "Grace"}) is first


def test_an_address_beyond_ascii_stands_in_the_header_as_utf8_and_nothing_else_does() -> None:
    ada = Mailbox.of("ädä@example.org", name="Ädä")
    letter = replace(sample_letter("otp_code", "en"), recipient=ada)
    for eight_bit in (True, False):
        head, _, _ = written(letter, eight_bit=eight_bit).partition(b"\r\n\r\n")
        assert "\r\nTo: =?utf-8?b?w4Rkw6Q=?= <ädä@example.org>\r\n".encode() in head
        assert head.replace("ädä".encode(), b"").isascii()
