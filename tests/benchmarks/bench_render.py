"""A mail from its event to its bytes, cold and warm, beside an `EmailMessage` built for the same mail.

All are measured in turn, round by round, in processor time, which a busy machine falsifies least. In turn
each finds the processor's caches full of the others' work, as in a mailer that does more than write mails. In
a row it has them to itself.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import pytest

from contracts.events import AnyEvent
from mailer_service.mailing.brand import Brand
from mailer_service.mailing.headers import mailbox_value
from mailer_service.mailing.letters import Letter, open_letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer, message_id
from mailer_service.mailing.skeletons import Skeletons
from mailer_service.mailing.templates import Templates, Words
from mailer_service.mailing.wording import worded
from tests.support.couriers import SEALER
from tests.support.mailed_events import MAILED

ROUNDS = 300
SENDER = Mailbox.parse("Porter <porter@porter.test>")
URL = "https://login.porter.test"

Step = Callable[[], object]


class Floor:
    """What a mail costs without skeletons: its templates filled in, and an `EmailMessage` of them."""

    def __init__(self) -> None:
        self.templates = Templates(brand=Brand("Porter"), public_url=URL)

    def words(self, letter: Letter) -> Words:
        return self.templates.words(letter)

    @staticmethod
    def message(words: Words, letter: Letter, *, identity: str, at: datetime) -> bytes:
        mail = EmailMessage(policy=SMTP)
        recipient = letter.recipient
        mail["From"] = Address(SENDER.name, SENDER.local, SENDER.domain)
        mail["To"] = Address(recipient.name, recipient.local, recipient.domain)
        mail["Subject"] = words.subject
        mail["Date"] = at
        mail["Message-ID"] = identity
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(words.text)
        mail.add_alternative(words.html, subtype="html")
        return mail.as_bytes()


@pytest.mark.timeout(600)
def test_what_a_mailer_compiles_when_it_starts() -> None:
    renderers, read, compiled, counts = [], [], [], []
    for _ in range(5):
        began = time.process_time()
        renderers.append(Renderer(sender=SENDER, public_url=URL))
        read.append(time.process_time() - began)
        began = time.process_time()
        counts.append(renderers[-1].prepare())
        compiled.append(time.process_time() - began)
    sys.stdout.write(
        f"\nat start, of {len(renderers[0].mails)} mails: reading templates and catalogues "
        f"{1000 * statistics.median(read):.0f} ms, compiling {counts[0]} skeletons "
        f"{1000 * statistics.median(compiled):.0f} ms\n"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mail", ["otp_code", "magic_link", "registration_notice", "new_sign_in"])
def test_a_mail_from_its_event_to_its_bytes(mail: str) -> None:
    event, floor, renderer = MAILED[mail](), Floor(), Renderer(sender=SENDER, public_url=URL)
    renderer.prepare()
    letter = opened(event)
    identity = message_id(event.id, letter.recipient, domain=SENDER.domain)
    words = floor.words(letter)

    def warm(*, eight_bit: bool = True) -> bytes:
        return renderer.render(letter, message_id=identity, written_at=event.time, eight_bit=eight_bit)

    def cold() -> bytes | None:
        facts = worded(letter.facts, "en")
        skeleton = Skeletons(floor.templates, sender=SENDER, reply_to=None).of(letter.template, "en", facts)
        assert skeleton is not None
        to = mailbox_value(letter.recipient, field="To")
        return skeleton.filled_in(facts, to=to, date=format_datetime(event.time), message_id=identity)

    took = measured(
        {
            "opening the box": lambda: opened(event),
            "letter to bytes, warm": warm,
            "letter to bytes, cold": cold,
            "letter to bytes, no 8BITMIME": lambda: warm(eight_bit=False),
            "EmailMessage of ready words": lambda: floor.message(
                words, letter, identity=identity, at=event.time
            ),
            "templates and EmailMessage": lambda: floor.message(
                floor.words(letter), letter, identity=identity, at=event.time
            ),
        }
    )
    fast, box = took["letter to bytes, warm"], took["opening the box"]
    sys.stdout.write(f"\n{mail}, {len(warm())} bytes, medians of {ROUNDS} rounds\n")
    for step, seconds in took.items():
        sys.stdout.write(f"  {step:30} {1e6 * seconds:8.1f} us   {seconds / fast:6.1f} times warm\n")
    slow = took["templates and EmailMessage"]
    sys.stdout.write(
        f"  from event to bytes, EmailMessage takes {(box + slow) / (box + fast):.1f} times as long\n"
    )
    box, fast, slow = (
        in_a_row(step)
        for step in (
            lambda: opened(event),
            warm,
            lambda: floor.message(floor.words(letter), letter, identity=identity, at=event.time),
        )
    )
    sys.stdout.write(
        f"  each in a row: box {1e6 * box:.1f} us, warm {1e6 * fast:.1f} us, "
        f"EmailMessage {1e6 * slow:.1f} us, {(box + slow) / (box + fast):.1f} times\n"
    )


def opened(event: AnyEvent) -> Letter:
    return open_letter(event, position=0, sealer=SEALER)


def in_a_row(step: Step) -> float:
    """Give the median seconds of a step that has the processor's caches to itself."""
    return measured({"": step})[""]


def measured(steps: Mapping[str, Step]) -> Mapping[str, float]:
    """Take each step's time in turn, round by round; give the median seconds of each."""
    took: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            began = time.process_time()
            step()
            took[name].append(time.process_time() - began)
    return {name: statistics.median(each) for name, each in took.items()}
