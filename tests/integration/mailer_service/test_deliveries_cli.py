"""`mailer-service deliveries` and `suppressions`, as an operator types them, over a ledger of real mails."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from contracts.events import AnyEvent
from contracts.sealing import new_key
from mailer_service import cli
from mailer_service.mailing.courier import Courier
from tests.support import blocking
from tests.support.couriers import (
    LedgerBook,
    account_approved,
    attempt,
    courier,
    otp_requested,
    unknown_address_challenged,
    user_registered,
)
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules

Seen = pytest.CaptureFixture[str]
BOUNCE = Rule(Phase.RCPT, Fault("550 5.1.1 <bob@example.org> is nobody here"), recipient="bob@example.org")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables of a mailer that reaches nobody."""
    for name, value in {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SEALING_KEYS": new_key(),
        "PUBLIC_URL": "https://login.example.org",
        "MAILER_SMTP_URL": "smtp://127.0.0.1:1",
        "MAILER_FROM": "Porter <porter@example.org>",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ledger_url(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the mailer a Postgres with its tables."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    return postgres_url


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def listed(seen: Seen, *arguments: str) -> list[dict[str, Any]]:
    """List as JSON; gives the objects."""
    assert run(*arguments, "--json") == 0
    return [json.loads(line) for line in seen.readouterr().out.splitlines()]


def with_courier(url: str, *rule: Rule, use: Callable[[Courier], Awaitable[None]]) -> str:
    """Let a courier carry mails to a server that fails by `rule`; gives that server's name."""

    async def carried() -> str:
        async with FaultSmtp(rules(*rule)) as smtp, courier(url, smtp.url) as carrier:
            await use(carrier)
            return f"127.0.0.1:{smtp.port}"

    with capture_logs():  # what the courier says is not what the command prints
        return blocking.run(carried())


def deliver(url: str, *events: AnyEvent, rule: tuple[Rule, ...] = (BOUNCE,), tries: int = 1) -> str:
    async def use(carrier: Courier) -> None:
        for event in events:
            for number in range(1, tries + 1):
                for position in range(event.data.recipients):
                    await carrier.deliver(event, position=position, attempt=attempt(number=number))

    return with_courier(url, *rule, use=use)


def test_a_list_has_a_line_a_mail_newest_first_and_their_number(ledger_url: str, capsys: Seen) -> None:
    first, second, decoy = account_approved(), otp_requested("bob@example.org"), unknown_address_challenged()
    provider = deliver(ledger_url, first, second, decoy)

    assert run("deliveries", "list") == 0

    names, *lines, number = capsys.readouterr().out.splitlines()
    assert names.split() == ["at", "event", "mail", "state", "reason", "tries", "recipient", "provider"]
    assert [line.split()[1:4] for line in lines] == [
        [str(decoy.id), "otp_code", "suppressed"],
        [str(second.id), "otp_code", "dead"],
        [str(first.id), "account_approved", "sent"],
    ]
    assert lines[1].split()[4:] == ["recipient_refused", "1", "b•••@e•••.org", provider]
    assert number == "3 mails"


@pytest.mark.usefixtures("ledger_url")
def test_an_empty_ledger_lists_nothing(capsys: Seen) -> None:
    assert run("deliveries", "list") == 0
    assert capsys.readouterr().out == "0 mails\n"
    assert run("suppressions", "list") == 0
    assert capsys.readouterr().out == "0 addresses\n"


def test_filters_narrow_the_list(ledger_url: str, capsys: Seen) -> None:
    wanted, other = otp_requested("bob@example.org"), account_approved()
    deliver(ledger_url, wanted, other)
    age = "UPDATE mailer.deliveries SET created_at = created_at - interval '2 hours' WHERE event_id = $1"
    blocking.run(LedgerBook(ledger_url).execute(age, wanted.id))

    for narrowed in (
        ["--state", "dead"],
        ["--template", "otp_code"],
        ["--stream", "login"],
        ["--reason", "recipient_refused"],
        ["--address", "BOB@Example.org"],
        ["--older-than", "1h"],
        ["--older-than", "1h", "--newer-than", "3h"],
    ):
        (found,) = listed(capsys, "deliveries", "list", *narrowed)
        assert found["event_id"] == str(wanted.id)
    assert listed(capsys, "deliveries", "list", "--state", "dead", "--template", "account_approved") == []
    assert listed(capsys, "deliveries", "list", "--older-than", "999999999d") == []
    assert len(listed(capsys, "deliveries", "list", "--newer-than", "999999999d")) == 2


@pytest.mark.parametrize(
    ("sent_to", "asked_for"),
    [
        ("ÄRGER@example.org", "ÄRGER@example.org"),
        ("ÄRGER@example.org", "ärger@EXAMPLE.org"),
        ("Ärger@example.org", "äRGER@example.org"),
        ("ärger@example.org", "ÄRGER@example.org"),
        ("ΑΣΣ@example.org", "ασς@example.org"),
        ("Łukasz.Żółć@bücher.example", "łUKASZ.ŻÓŁĆ@BÜCHER.example"),
        ("straße@example.org", "STRAßE@example.org"),
    ],
)
def test_an_address_is_found_however_its_letters_are_cased(
    ledger_url: str, capsys: Seen, sent_to: str, asked_for: str
) -> None:
    wanted = otp_requested(sent_to)
    deliver(ledger_url, wanted, otp_requested("arger@example.org"))

    (found,) = listed(capsys, "deliveries", "list", "--address", asked_for)

    assert found["event_id"] == str(wanted.id)


def test_a_list_is_bounded_and_says_so(ledger_url: str, capsys: Seen) -> None:
    deliver(ledger_url, *(account_approved(f"{number}@example.org") for number in range(3)))

    assert run("deliveries", "list", "--limit", "2") == 0

    _, *lines, number = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert number == "2 mails, and there are more: --limit 4"
    assert len(listed(capsys, "deliveries", "list", "--limit", "2")) == 2
    assert len(listed(capsys, "deliveries", "list", "--limit", "3")) == 3


def test_an_events_mail_is_shown_with_how_each_try_went(ledger_url: str, capsys: Seen) -> None:
    event = otp_requested("ada@example.org")
    later = Rule(Phase.RCPT, Fault("451 4.7.1 Greylisted"), first=1)
    provider = deliver(ledger_url, event, rule=(later,), tries=2)

    assert run("deliveries", "show", str(event.id)) == 0

    shown = capsys.readouterr().out
    assert "state            sent\n" in shown
    assert "recipient        a•••@e•••.org\n" in shown
    history = shown.partition("history\n")[2].splitlines()
    assert history[0].endswith(
        f"try 1 by {provider}: waiting (server_said_later): rcpt: 451 4.7.1 Greylisted"
    )
    assert history[1].endswith(f"try 2 by {provider}: sent: 250 2.0.0 Accepted")

    (told,) = listed(capsys, "deliveries", "show", str(event.id))
    assert [one["state"] for one in told["history"]] == ["waiting", "sent"]
    assert [one["number"] for one in told["history"]] == [1, 2]


@pytest.mark.parametrize("state", ["dead", "suppressed", "expired", "unconfirmed", "sending", "waiting"])
def test_each_way_that_a_mail_can_stand_is_told_once_in_its_history(
    ledger_url: str, capsys: Seen, state: str
) -> None:
    event = otp_requested("bob@example.org")
    deliver(ledger_url, event, rule=(Rule(Phase.RCPT, Fault("451 4.3.0 Later"), first=1), BOUNCE), tries=2)
    book = LedgerBook(ledger_url)
    if state == "waiting":
        event = otp_requested("ada@example.org")
        deliver(ledger_url, event, rule=(Rule(Phase.RCPT, Fault("451 4.3.0 Later")),))
    elif state != "dead":
        ended = "NULL" if state == "sending" else "now()"
        stand = f"UPDATE mailer.deliveries SET state = $1, ended_at = {ended}"  # noqa: S608 - the test's own words
        blocking.run(book.execute(stand, state))

    (told,) = listed(capsys, "deliveries", "show", str(event.id))

    assert told["state"] == state
    states = [one["state"] for one in told["history"]]
    assert states.count(state) == 1
    assert states[-1] == state
    assert (told["history"][-1]["provider"] is None) == (state in {"suppressed", "expired"})
    assert run("deliveries", "show", str(event.id)) == 0


def test_each_of_an_events_mails_is_shown_and_an_unknown_event_named(ledger_url: str, capsys: Seen) -> None:
    event, unknown = user_registered("one@example.org", "two@example.org"), uuid4()
    deliver(ledger_url, event)

    assert run("deliveries", "show", str(event.id), str(unknown), "--json") == 1

    seen = capsys.readouterr()
    assert [json.loads(line)["position"] for line in seen.out.splitlines()] == [0, 1]
    assert str(unknown) in seen.err
    assert str(event.id) not in seen.err
    assert "deliveries list" in seen.err


def test_a_dead_letter_that_nobody_could_read_is_shown_without_a_recipient(
    ledger_url: str, capsys: Seen
) -> None:
    event_id = uuid4()

    async def bury(carrier: Courier) -> None:
        await carrier.record_dead(
            event_id=event_id, position=0, event_type="odd", reason="unknown_type", error=""
        )

    with_courier(ledger_url, use=bury)

    assert run("deliveries", "show", str(event_id)) == 0
    shown = capsys.readouterr().out
    assert "recipient\n" in shown
    assert shown.splitlines()[-2].endswith("try 0: dead (unknown_type)")
    assert run("deliveries", "list") == 0
    assert "1 mail\n" in capsys.readouterr().out


def test_addresses_are_told_only_when_asked_for(ledger_url: str, capsys: Seen) -> None:
    event = otp_requested("bob@example.org")
    deliver(ledger_url, event)
    views = [["deliveries", "list"], ["deliveries", "show", str(event.id)], ["suppressions", "list"]]

    for view in views:
        for form in ([], ["--json"]):
            assert run(*view, *form) == 0
            shown = capsys.readouterr().out
            assert "b•••@e•••.org" in shown
            assert "bob" not in shown
            assert run(*view, *form, "--addresses") == 0
            assert "bob@example.org" in capsys.readouterr().out


def test_suppressions_are_listed_latest_first_and_bounded(ledger_url: str, capsys: Seen) -> None:
    everyone = Rule(Phase.RCPT, Fault("550 5.1.1 Nobody here"))
    provider = deliver(
        ledger_url, *(account_approved(f"{name}@example.org") for name in "abc"), rule=(everyone,)
    )

    found = listed(capsys, "suppressions", "list", "--addresses")
    assert [one["address"] for one in found] == ["c@example.org", "b@example.org", "a@example.org"]
    assert found[0]["provider"] == provider
    assert found[0]["error"] == "rcpt: 550 5.1.1 Nobody here"
    assert (found[0]["bounces"], found[0]["login_until"]) == (1, None)
    (one,) = listed(capsys, "suppressions", "list", "--addresses", "--address", "B@example.org")
    assert one["address"] == "b@example.org"
    assert run("suppressions", "list", "--limit", "1") == 0
    names, line, number = capsys.readouterr().out.splitlines()
    assert names.split() == ["address", "bounces", "last_bounced_at", "until", "login_until", "error"]
    assert "550 5.1.1 Nobody here" in line
    assert number == "1 address, and there are more: --limit 2"


def test_what_lapsed_is_neither_listed_nor_lifted(ledger_url: str, capsys: Seen) -> None:
    deliver(ledger_url, account_approved("bob@example.org"))
    book = LedgerBook(ledger_url)
    blocking.run(book.execute("UPDATE mailer.suppressions SET login_until = now() - interval '1 second'"))
    (told,) = listed(capsys, "suppressions", "list")
    assert told["login_until"] is None
    blocking.run(book.execute("UPDATE mailer.suppressions SET until = now()"))

    assert listed(capsys, "suppressions", "list") == []
    assert run("suppressions", "lift", "bob@example.org") == 1


def test_a_lifted_address_gets_mail_again(ledger_url: str, capsys: Seen) -> None:
    deliver(
        ledger_url, account_approved("bob@bücher.example"), rule=(Rule(Phase.RCPT, Fault("550 5.1.1 No")),)
    )
    held, freed = account_approved("bob@bücher.example"), account_approved("bob@bücher.example")
    deliver(ledger_url, held)

    assert run("suppressions", "lift", "Bob@Bücher.example", "eve@example.org") == 1
    seen = capsys.readouterr()
    assert seen.out == "lifted 1\n"
    assert seen.err == "eve@example.org: is not suppressed\n"

    deliver(ledger_url, held, freed)
    states = {one["event_id"]: one["state"] for one in listed(capsys, "deliveries", "list")}
    assert (states[str(held.id)], states[str(freed.id)]) == ("suppressed", "sent")
    assert run("suppressions", "lift", "bob@bücher.example") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["deliveries"],
        ["deliveries", "list", "--state", "lost"],
        ["deliveries", "list", "--limit", "0"],
        ["deliveries", "list", "--limit", "many"],
        ["deliveries", "list", "--older-than", "yesterday"],
        ["deliveries", "show"],
        ["deliveries", "show", "not-an-id"],
        ["suppressions", "lift"],
        ["suppressions", "drop", "bob@example.org"],
    ],
)
def test_wrong_use_is_told_and_ends_with_2(arguments: list[str], capsys: Seen) -> None:
    assert run(*arguments) == 2
    assert "usage: mailer-service" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["deliveries", "list"], ["suppressions", "lift", "bob@example.org"]])
def test_without_postgres_there_is_one_clear_line(command: list[str], capsys: Seen) -> None:
    assert run(*command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("DATABASE_URL: ")
    assert "is Postgres running" in line


@pytest.mark.parametrize("command", [["deliveries", "show", str(uuid4())], ["suppressions", "list"]])
def test_a_database_that_is_not_migrated_is_told_to_be(
    command: list[str], monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str, capsys: Seen
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_postgres_url)
    assert run(*command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "mailer-service migrate" in line
