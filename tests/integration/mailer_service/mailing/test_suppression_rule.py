"""Whatever order mails bounce and arrive in, the statements suppress what a model of the rule does."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from uuid import uuid4

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.ledger import Claim, Ledger, Mail, NotClaimed
from tests.support import blocking
from tests.support.couriers import LedgerBook, attempt, for_sqlalchemy, now

Stream = Literal["login", "accounts", "sessions"]
End = Literal["bounced", "refused", "sent", "later"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

passing = st.sampled_from([HOUR, DAY - HOUR, DAY, 30 * DAY, 90 * DAY - HOUR, 90 * DAY])
mails = st.tuples(
    st.sampled_from(["login", "accounts", "sessions"]),
    st.sampled_from(["bounced", "refused", "sent", "later"]),
)
stories = st.lists(mails | passing, max_size=12)


@dataclass(frozen=True)
class Record:
    """What the model knows of an address; times count from its beginning."""

    first: timedelta
    until: timedelta
    login_until: timedelta = timedelta(0)

    def suppresses(self, stream: Stream, at: timedelta) -> bool:
        return at < (self.login_until if stream == "login" else self.until)


def after_bounce(known: Record | None, at: timedelta) -> Record:
    if known is None or known.until <= at:
        return Record(first=at, until=at + 90 * DAY)
    renewed = replace(known, until=at + 90 * DAY)
    return replace(renewed, login_until=at + DAY) if at - known.first >= DAY else renewed


def a_mail(address: str, stream: Stream) -> Mail:
    return Mail(
        event_id=uuid4(),
        recipient=address,
        position=0,
        event_type="porter.auth.any.v1",
        template="any",
        stream=stream,
        occurred_at=now(),
        expires_at=now() + DAY,
    )


async def end(ledger: Ledger, claim: Claim, how: End) -> None:
    match how:
        case "sent":
            assert await ledger.record_sent(claim, reply="250 Ok") is not None
        case "later":
            assert await ledger.let_wait(claim, reason="timeout", error="")
        case "bounced" | "refused":
            reason, bounced = "recipient_refused", how == "bounced"
            assert await ledger.record_end(claim, State.DEAD, reason=reason, error="", bounced=bounced)


async def live(url: str, story: list[tuple[Stream, End] | timedelta]) -> None:
    """Let it happen to an address of its own, and compare at each mail."""
    address = f"{uuid4().hex}@example.org"
    known: Record | None = None
    at = timedelta(0)
    ledger, book = Ledger(Database(for_sqlalchemy(url), connections=1)), LedgerBook(url)
    try:
        for happening in story:
            if isinstance(happening, timedelta):
                at += happening
                await book.execute(
                    """
                    UPDATE mailer.suppressions SET first_bounced_at = first_bounced_at - $2::interval,
                        until = until - $2::interval, login_until = login_until - $2::interval
                    WHERE address = $1
                    """,
                    address,
                    happening,
                )
                continue
            stream, how = happening
            claim = await ledger.claim(
                a_mail(address, stream), attempt(), message_id="<m@porter.test>", provider="smtp.test:25"
            )
            if known is not None and known.suppresses(stream, at):
                assert claim == NotClaimed(State.SUPPRESSED, now=True)
                continue
            assert isinstance(claim, Claim)
            await end(ledger, claim, how)
            if how == "bounced":
                known = after_bounce(known, at)
            elif how == "sent":
                known = None
    finally:
        await ledger.close()


@settings(
    max_examples=40,
    deadline=None,
    # Each example has an address of its own in the one database.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories)
@example(story=[("login", "bounced"), DAY, ("login", "bounced"), ("login", "sent"), DAY, ("login", "sent")])
@example(
    story=[
        ("login", "bounced"),
        DAY - HOUR,
        ("login", "bounced"),
        ("login", "later"),
        HOUR,
        ("login", "later"),
    ]
)
@example(story=[("accounts", "bounced"), 90 * DAY, ("accounts", "bounced"), ("login", "bounced")])
def test_what_is_suppressed_is_what_the_rule_says(
    postgres_url: str, story: list[tuple[Stream, End] | timedelta]
) -> None:
    blocking.run(live(postgres_url, story))
