from datetime import timedelta

import pytest

from mailer_service.mailing.replies import (
    BEFORE_MAIL,
    HINT_MOST,
    Outage,
    Passing,
    Phase,
    Refused,
    Unclear,
    Verdict,
    classify,
    classify_silence,
    enhanced_code,
    hint,
)

LATER = Passing("server_said_later")
NO_SUCH = Refused("recipient_refused")
BOUNCED = Refused("recipient_refused", bounced=True)
NOT_THIS = Refused("message_refused")
ODD = Passing("unexpected_reply")

TABLE: list[tuple[Phase, str, Verdict]] = [
    # Whatever goes wrong before MAIL is about the server or about us.
    *(
        (phase, reply, Outage())
        for phase in BEFORE_MAIL
        for reply in (
            "421 4.3.2 Shutting down",
            "454 4.7.0 TLS not available",
            "535 5.7.8 No",
            "554 No",
            "-1 ?",
        )
    ),
    # MAIL: a 5xx is about our sender, not about this mail.
    (Phase.MAIL, "550 5.7.1 Sender not allowed", Outage()),
    (Phase.MAIL, "530 5.7.0 Must authenticate", Outage()),
    (Phase.MAIL, "550 5.1.1 No such sender", Outage()),
    (Phase.MAIL, "552 5.3.4 Too big", Outage()),
    (Phase.MAIL, "451 4.3.0 Later", LATER),
    (Phase.MAIL, "421 4.3.2 Closing", LATER),
    (Phase.MAIL, "354 What?", ODD),
    # RCPT: the address, or something else about this mail.
    (Phase.RCPT, "550 5.1.1 No such user", BOUNCED),
    (Phase.RCPT, "550 5.1.6 Moved", BOUNCED),
    (Phase.RCPT, "556 5.1.10 Null MX", BOUNCED),
    (Phase.RCPT, "553 5.1.3 Bad syntax", NO_SUCH),
    (Phase.RCPT, "550 5.1.2 No such host", NO_SUCH),
    (Phase.RCPT, "550 5.1.0 Recipient address rejected", NO_SUCH),
    (Phase.RCPT, "553 5.6.7 the server takes no address beyond ASCII", NO_SUCH),
    (Phase.MAIL, "553 5.6.7 SMTPUTF8 is offered and not meant", NO_SUCH),
    # RCPT, about our sender: Postfix says there what others say to MAIL (smtpd_delay_reject).
    (Phase.RCPT, "550 5.1.7 <porter@example.org>: Sender address rejected: undeliverable", Outage()),
    (Phase.RCPT, "553 5.1.8 <porter@example.org>: Sender address rejected: Domain not found", Outage()),
    (Phase.RCPT, "450 4.1.8 <porter@example.org>: Sender address rejected: Domain not found", LATER),
    (Phase.RCPT, "550 5.1.70 What?", NO_SUCH),
    (Phase.RCPT, "550 5.1.100 What?", NO_SUCH),
    (Phase.RCPT, "550 No such user (5.1.1)", NO_SUCH),
    (Phase.RCPT, "450 5.1.1 Undecided", LATER),
    (Phase.RCPT, "550 No such user", NO_SUCH),
    (Phase.RCPT, "550 5.7.1 Blocked", NOT_THIS),
    (Phase.RCPT, "554 Relay access denied", NOT_THIS),
    (Phase.RCPT, "552 5.2.2 Mailbox full", NOT_THIS),
    (Phase.RCPT, "450 4.2.1 Busy", LATER),
    (Phase.RCPT, "452 4.5.3 Too many recipients", LATER),
    (Phase.RCPT, "421 4.7.0 Too many errors", LATER),
    (Phase.RCPT, "421 4.7.0 Try again in 60 seconds", Passing("server_said_later", timedelta(seconds=60))),
    (Phase.RCPT, "-1 Malformed", ODD),
    # DATA, before the content: the server cannot have the mail.
    (Phase.DATA_COMMAND, "550 5.1.1 No such user after all", NO_SUCH),
    (Phase.DATA_COMMAND, "554 5.5.1 No valid recipients", NOT_THIS),
    (Phase.DATA_COMMAND, "451 4.3.0 Later", LATER),
    (Phase.DATA_COMMAND, "250 Ok", ODD),
    # DATA, after the content: only a clear no is a no.
    (Phase.DATA, "550 5.7.1 Spam", NOT_THIS),
    (Phase.DATA, "550 Spam", NOT_THIS),
    (Phase.DATA, "550 5.1.1 No such user after all", NO_SUCH),
    (Phase.DATA, "452 4.3.1 Disk full", LATER),
    (Phase.DATA, "421 4.3.2 Closing", LATER),
    (Phase.DATA, "354 What?", Unclear()),
    (Phase.DATA, "-1 Malformed", Unclear()),
]


@pytest.mark.parametrize(
    ("phase", "reply", "verdict"), TABLE, ids=lambda part: getattr(part, "name", str(part))
)
def test_each_reply_means_what_the_table_says(phase: Phase, reply: str, verdict: Verdict) -> None:
    code, _, text = reply.partition(" ")
    assert classify(phase, int(code), enhanced_code(text), text) == verdict


@pytest.mark.parametrize("phase", Phase)
def test_silence_is_an_outage_then_passing_then_unclear(phase: Phase) -> None:
    if phase in BEFORE_MAIL:
        assert classify_silence(phase, "connection_lost") == Outage()
        assert classify_silence(phase, "timeout") == Outage()
    elif phase is Phase.DATA:
        assert classify_silence(phase, "connection_lost") == Unclear()
        assert classify_silence(phase, "timeout") == Unclear()
    else:
        assert classify_silence(phase, "connection_lost") == Passing("connection_lost")
        assert classify_silence(phase, "timeout") == Passing("timeout")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.7.1 Greylisted, try again in 60 seconds", timedelta(seconds=60)),
        ("please retry after 5 minutes", timedelta(minutes=5)),
        ("Retry-After: 30s", timedelta(seconds=30)),
        ("deferred for 2 mins", timedelta(minutes=2)),
        ("try again within 1 hour", timedelta(hours=1)),
        ("come back in 0 seconds", timedelta(seconds=1)),
        ("come back in 3 days, or in 300 hours", HINT_MOST),
        ("come back in 3 days", None),
        ("queue 4711 is full", None),
        # As it is really said: by Postgrey, SQLgrey, milter-greylist, policyd and mail hosts.
        (
            "4.2.0 <a@example.org>: Recipient address rejected: Greylisted for 300 seconds (see http://a.test)",
            timedelta(seconds=300),
        ),
        ("4.2.0 Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/a.html", None),
        (
            "4.7.1 <ada@example.org>: Recipient address rejected: Greylisted for 5 minutes",
            timedelta(minutes=5),
        ),
        ("4.7.1 Greylisting in action, please come back in 00:09:00", timedelta(minutes=9)),
        ("4.7.1 Greylisting in action, please come back in 01:30:00", HINT_MOST),
        ("4.7.1 Greylisting in action, please come back later", None),
        ("Greylisting in action. Please try delivery again in 240 seconds.", timedelta(minutes=4)),
        ("Greylisting enabled, try again in 1 minutes", timedelta(minutes=1)),
        ("Greylisting in progress ... Please try again after 2 minutes", timedelta(minutes=2)),
        ("4.2.0 Sender address rejected: Greylisted for 30 sec.", timedelta(seconds=30)),
        ("Please wait at least 90s before the next try", timedelta(seconds=90)),
        ("Temporarily deferred, come back in one hour", timedelta(hours=1)),
        ("Too many messages, wait a minute", timedelta(minutes=1)),
        ("Deferred for 2 hrs", HINT_MOST),
        ("4.7.0 Try again in 5:00", timedelta(minutes=5)),
        # Gmail, Outlook and Amazon SES name no time: the backoff decides.
        ("4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more", None),
        ("4.7.28 Gmail has detected an unusual rate of mail. To protect our users", None),
        ("4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", None),
        ("Throttling failure: Maximum sending rate exceeded.", None),
        # What is over is no hint.
        ("4.4.2 Timeout: no command after 300 seconds", None),
        ("4.4.2 Connection timed out, idle for 300 seconds", None),
        ("4.2.1 You sent to many mails from different domains in the last 10 minutes", None),
        ("4.3.0 in 192.0.2.1 seconds", None),
        # Nor is the time that a limit is for.
        ("4.7.1 You sent too many messages in 1 hour", None),
        ("4.7.0 too many errors, limit 30 in 60 seconds", None),
        ("4.7.0 Too many connections within 5 minutes, try again in 90 seconds", timedelta(seconds=90)),
        ("", None),
    ],
)
def test_a_hint_is_read_and_bounded(text: str, expected: timedelta | None) -> None:
    assert hint(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.1.1 No such user", "5.1.1"),
        ("5.1.10 Null MX", "5.1.10"),
        ("No 5.1.1 here", None),
        ("550 5.1.1", None),
    ],
)
def test_an_enhanced_code_stands_at_the_beginning(text: str, expected: str | None) -> None:
    assert enhanced_code(text) == expected
