"""`mailer-service dead-letters`, as an operator types it, on real streams of dead letters."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from redis.asyncio import Redis

from contracts import codec
from contracts.environment import load
from contracts.events import OtpRequested
from contracts.facts import OtpRequestedData
from contracts.identifiers import new_id
from contracts.sealing import LoginCode, Recipient, new_key
from mailer_service import cli
from mailer_service.assembly import lanes
from mailer_service.consuming.lanes import Lane
from mailer_service.settings import MailerSettings
from tests.support import blocking

Bury = Callable[..., str]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> MailerSettings:
    """Set the variables of a mailer whose Redis is the test's."""
    for name, value in {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": redis_url,
        "SEALING_KEYS": new_key(),
        "PUBLIC_URL": "https://login.example.org",
        "MAILER_SMTP_URL": "smtp://127.0.0.1:1",
        "MAILER_FROM": "Porter <porter@example.org>",
    }.items():
        monkeypatch.setenv(name, value)
    return load(MailerSettings)


@pytest.fixture
def lane(settings: MailerSettings) -> Lane:
    """Work on the login lane."""
    return lanes(settings)[0]


@pytest.fixture
def bury(lane: Lane, settings: MailerSettings, redis_url: str) -> Bury:
    """Lay a dead letter on the lane's stream; gives its id."""

    def lay(*, reason: str = "message_refused", deaths: int = 1, expires_in: int = 600, age: int = 0) -> str:
        event_id = new_id()
        now = datetime.now(UTC)
        box = settings.sealer().seal(
            LoginCode(recipients=(Recipient(address="ada@example.org", name="Ada"),), code="123456"),
            event_id=event_id,
        )
        event = OtpRequested(
            id=event_id,
            subject=str(new_id()),
            time=now,
            sequence="1",
            expirytime=now + timedelta(seconds=expires_in),
            data=OtpRequestedData(locale="en", user_id=new_id(), challenge_id=new_id(), sealed=box),
        )
        died_ms = int((now.timestamp() - age) * 1000)
        post_mortem = {
            "reason": reason,
            "error": "rcpt: 550 5.7.1 no",
            "attempts": 1,
            "crashes": 0,
            "first": died_ms,
            "last": died_ms,
            "consumer": "mailer-abc",
            "deaths": deaths,
        }
        return blocking.run(_add(redis_url, lane.dead, codec.encode(event) | post_mortem))

    return lay


async def _add(url: str, key: str, fields: dict[str, object]) -> str:
    async with Redis.from_url(url, decode_responses=True) as redis:
        return str(await redis.xadd(key, fields))  # type: ignore[arg-type]  # ints are fine


def _lying(url: str, key: str) -> list[tuple[str, dict[str, str]]]:
    async def read() -> list[tuple[str, dict[str, str]]]:
        async with Redis.from_url(url, decode_responses=True) as redis:
            return cast("list[tuple[str, dict[str, str]]]", await redis.xrange(key))

    return blocking.run(read())


def _entries(url: str, key: str) -> list[dict[str, str]]:
    return [fields for _, fields in _lying(url, key)]


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["dead-letters", *arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_a_list_has_a_line_a_letter_and_their_number(bury: Bury, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = bury(reason="message_refused"), bury(reason="poisonous")

    assert _run("list") == 0

    shown = capsys.readouterr().out
    assert shown.index(first) < shown.index(second)
    assert "poisonous" in shown
    assert "2 dead letters" in shown


def test_filters_narrow_what_is_shown(bury: Bury, capsys: pytest.CaptureFixture[str]) -> None:
    bury(reason="message_refused", age=7200)
    wanted = bury(reason="poisonous", age=60)

    for narrowed in (["--reason", "poisonous"], ["--newer-than", "1h"], [wanted]):
        assert _run("list", "--json", *narrowed) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["letter"] == wanted
    for nothing in (
        ["--stream", "accounts"],
        ["--stream", "sessions"],
        ["--type", "user_registered"],
        ["--older-than", "3h"],
    ):
        assert _run("list", "--json", *nothing) == 0
        assert capsys.readouterr().out == ""


def test_no_view_opens_a_box(
    bury: Bury, capsys: pytest.CaptureFixture[str], redis_url: str, lane: Lane
) -> None:
    letter = bury()
    (entry,) = _entries(redis_url, lane.dead)
    box = json.loads(entry["data"])["sealed"]

    for view in (["list"], ["list", "--json"], ["show", letter], ["show", letter, "--json"]):
        assert _run(*view) == 0
        shown = capsys.readouterr().out
        assert letter in shown
        for secret in (box, "ada@example.org", "123456"):
            assert secret not in shown


def test_a_replay_keeps_the_event_id_and_is_marked(bury: Bury, redis_url: str, lane: Lane) -> None:
    letter = bury()
    (before,) = _entries(redis_url, lane.dead)

    assert _run("replay", letter) == 0

    assert _entries(redis_url, lane.dead) == []
    (entry,) = _entries(redis_url, lane.retry)
    assert entry["id"] == before["id"]
    assert entry["data"] == before["data"]
    assert entry["replayed"] == "dead"
    assert entry["deaths"] == "1"
    assert "attempts" not in entry
    assert "reason" not in entry


@pytest.mark.parametrize("kept", [{"expires_in": -60}, {"deaths": 3}], ids=["expired", "parked"])
def test_an_expired_or_parked_letter_is_replayed_only_when_forced(
    bury: Bury, redis_url: str, lane: Lane, kept: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    letter = bury(**kept)

    assert _run("replay", letter) == 1
    assert "--force" in capsys.readouterr().out
    assert len(_entries(redis_url, lane.dead)) == 1

    assert _run("replay", letter, "--force") == 0
    (entry,) = _entries(redis_url, lane.retry)
    assert entry["replayed"] == "forced"


def test_a_dry_run_changes_nothing(
    bury: Bury, redis_url: str, lane: Lane, capsys: pytest.CaptureFixture[str]
) -> None:
    bury()
    before = _entries(redis_url, lane.dead)

    assert _run("replay", "--all", "--dry-run") == 0
    assert _run("drop", "--all", "--dry-run") == 0

    assert "would" in capsys.readouterr().out
    assert _entries(redis_url, lane.dead) == before
    assert _entries(redis_url, lane.retry) == []


def test_a_long_replay_shows_its_progress_and_rate(
    bury: Bury, redis_url: str, lane: Lane, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(30):
        bury()

    assert _run("replay", "--all") == 0

    shown = capsys.readouterr()
    assert "30/30" in shown.err
    assert "30 replayed" in shown.out
    assert "letters/s" in shown.out
    assert len(_entries(redis_url, lane.retry)) == 30


def test_a_drop_deletes_what_is_named(bury: Bury, redis_url: str, lane: Lane) -> None:
    dropped, kept = bury(), bury()

    assert _run("drop", dropped) == 0

    assert [id_ for id_, _ in _lying(redis_url, lane.dead)] == [kept]


@pytest.mark.parametrize("action", ["replay", "drop"])
def test_everything_is_asked_for_by_name(bury: Bury, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    bury()

    assert _run(action) == 2
    assert "--all" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_a_letter_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("show", "1-1") == 1
    assert "no such dead letter" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["show", "replay", "drop"])
def test_each_letter_that_is_missing_is_named_and_the_others_are_served(
    bury: Bury, action: str, redis_url: str, lane: Lane, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = bury()

    assert _run(action, "1-1", letter, "2-2") == 1

    told = capsys.readouterr()
    assert "no such dead letter 1-1 2-2:" in told.err
    assert letter not in told.err
    assert (letter in told.out) == (action == "show")
    assert len(_entries(redis_url, lane.dead)) == (action == "show")
    assert len(_entries(redis_url, lane.retry)) == (action == "replay")


def test_a_letter_that_a_filter_leaves_out_is_named_too(
    bury: Bury, redis_url: str, lane: Lane, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped, kept = bury(reason="poisonous"), bury(reason="message_refused")

    assert _run("drop", dropped, kept, "--reason", "poisonous") == 1

    assert f"no such dead letter {kept}:" in capsys.readouterr().err
    assert [id_ for id_, _ in _lying(redis_url, lane.dead)] == [kept]


@pytest.mark.parametrize("view", [["list"], ["list", "--json"], ["show"], ["show", "--json"]], ids=" ".join)
def test_what_steers_a_terminal_is_shown_escaped(
    redis_url: str, lane: Lane, view: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    strange = "\x1b[2J\x9b1m\x7f\r\u202e"
    fields = {"type": f"Zoë{strange}", "reason": "undecodable", strange: strange, "data": '"\\ud800"'}
    letter = blocking.run(_add(redis_url, lane.dead, cast("dict[str, object]", fields)))

    assert _run(*view, *([letter] if "show" in view else [])) == 0

    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.split("\n"))
    assert r"Zoë\u001b[2J\u009b1m\u007f\r\u202e" in shown
    if "--json" in view:
        assert json.loads(shown)["type"] == fields["type"]


def test_a_wrong_age_is_explained(settings: MailerSettings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.max_attempts
    assert _run("list", "--older-than", "yesterday") == 2
    assert "write 90s, 5m, 2h or 7d" in capsys.readouterr().err
    for digits in (20, 5000):
        assert _run("list", "--older-than", f"{'9' * digits}d") == 2
        assert "is too long ago" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_redis_away_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    assert _run("list") == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("REDIS_URL: ")
