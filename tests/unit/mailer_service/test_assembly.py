"""How the lanes are laid out: which streams, at what pace, and what is kept free for login mail."""

from datetime import timedelta

import pytest

from contracts.environment import load
from contracts.streams import ACCOUNTS, LOGIN, SESSIONS, STREAMS
from mailer_service.assembly import lanes
from mailer_service.consuming.lanes import Lane
from mailer_service.settings import MailerSettings


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> dict[str, Lane]:
    for name, value in {
        "DATABASE_URL": "postgresql://porter@127.0.0.1/porter",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "SEALING_KEYS": "q0mFZq1jHqcG5zY0n2xw3Vb8kQd7LrTsUuPaXe9ItJo=",
        "PUBLIC_URL": "https://login.example.org",
        "MAILER_SMTP_URL": "smtp://mail.example.org:25",
        "MAILER_FROM": "Porter <porter@example.org>",
        "MAILER_SMTP_CONNECTIONS": "9",
        "MAILER_SMTP_RESERVED": "2",
        "MAILER_BACKOFF_LOGIN": "1,2",
        "MAILER_BACKOFF_ACCOUNTS": "30,40",
    }.items():
        monkeypatch.setenv(name, value)
    return {lane.name: lane for lane in lanes(load(MailerSettings))}


def test_every_stream_has_its_lane(laid_out: dict[str, Lane]) -> None:
    assert tuple(lane.stream for lane in laid_out.values()) == STREAMS


def test_only_login_mail_may_fill_every_connection(laid_out: dict[str, Lane]) -> None:
    assert {name: lane.slots for name, lane in laid_out.items()} == {
        LOGIN.name: 9,
        ACCOUNTS.name: 7,
        SESSIONS.name: 7,
    }


def test_mail_about_sessions_has_the_pace_of_account_mail(laid_out: dict[str, Lane]) -> None:
    assert laid_out[SESSIONS.name].backoff == laid_out[ACCOUNTS.name].backoff
    assert laid_out[SESSIONS.name].backoff.floors == (timedelta(seconds=30), timedelta(seconds=40))
    assert laid_out[LOGIN.name].backoff.floors == (timedelta(seconds=1), timedelta(seconds=2))
