"""Dead letters as a person sees them; finding and sending them again needs a Redis and is tried there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import codec
from mailer_service.consuming.dead_letters import Criteria, Letter, _fits
from mailer_service.consuming.entries import Entry
from tests.support.consumers import fact

DIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = DIED + timedelta(hours=1)


def letter(**fields: Any) -> Letter:  # noqa: ANN401  # bytes, numbers and text as they come
    event = {name.encode(): value.encode() for name, value in codec.encode(fact()).items()}
    notes: dict[str, Any] = {
        "reason": "refused",
        "error": "550",
        "attempts": 2,
        "last": int(DIED.timestamp() * 1000),
        "first": int(DIED.timestamp() * 1000) - 60_000,
        **fields,
    }
    entry = {name.encode(): str(value).encode() for name, value in notes.items()}
    return Letter("login", Entry("dead", "1-1", event | entry))


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        (Criteria(), True),
        (Criteria(ids=frozenset({"1-1", "2-2"})), True),
        (Criteria(ids=frozenset({"2-2"})), False),
        (Criteria(reason="refused"), True),
        (Criteria(reason="refuse"), False),
        (Criteria(type="otp_requested"), True),
        (Criteria(type="porter.auth.otp_requested.v1"), True),
        (Criteria(type="account_approved"), False),
        (Criteria(older_than=timedelta(minutes=59)), True),
        (Criteria(older_than=timedelta(hours=1)), False),
        (Criteria(newer_than=timedelta(hours=1)), True),
        (Criteria(newer_than=timedelta(minutes=59)), False),
        (Criteria(reason="refused", type="otp", older_than=timedelta(minutes=1)), True),
        (Criteria(reason="refused", type="otp", older_than=timedelta(days=1)), False),
    ],
)
def test_all_that_is_said_must_fit(criteria: Criteria, fits: bool) -> None:  # noqa: FBT001  # a table's column
    assert _fits(letter(), criteria, NOW) is fits


@pytest.mark.parametrize(
    ("deaths", "count", "parked"),
    [("", 1, False), ("x", 1, False), ("²", 1, False), ("1", 1, False), ("2", 2, False), ("3", 3, True)],
)
def test_a_letter_that_died_three_times_is_parked(deaths: str, count: int, parked: bool) -> None:  # noqa: FBT001  # as above
    died = letter(deaths=deaths)
    assert (died.deaths, died.is_parked) == (count, parked)


def test_it_says_when_it_died_and_when_its_mail_is_worthless() -> None:
    dead = letter()
    assert dead.died_at == DIED
    event = codec.decode(dead.entry.fields)
    assert dead.gives_up_at == event.gives_up_at()


@pytest.mark.parametrize("last", ["", "x", "²", "9" * 40, "9" * 15])
def test_a_letter_without_a_time_of_death_has_that_of_its_id(last: str) -> None:
    assert letter(last=last).died_at == datetime.fromtimestamp(0.001, UTC)


@pytest.mark.parametrize(
    "spoilt", [{"data": "{"}, {"type": "porter.auth.otp_requested.v9"}, {"type": "porter.nobody.knows.v1"}]
)
def test_what_is_no_event_is_worthless_at_no_known_time(spoilt: dict[str, str]) -> None:
    assert letter(**spoilt).gives_up_at is None


def test_a_mail_that_outlives_all_time_is_never_worthless() -> None:
    event = fact().model_copy(update={"time": datetime.max.replace(tzinfo=UTC), "expirytime": None})
    entry = {name.encode(): value.encode() for name, value in codec.encode(event).items()}
    assert codec.decode(entry).time.year == 9999
    assert Letter("login", Entry("dead", "1-1", entry)).gives_up_at is None


def test_its_description_keeps_the_box_sealed() -> None:
    described = letter().described()
    assert described["data"]["sealed"] == "(sealed, 3 characters)"
    assert described["data"]["locale"] == "en"
    assert (described["letter"], described["stream"], described["parked"]) == ("1-1", "login", False)
    assert (described["reason"], described["last"]) == ("refused", DIED.isoformat())
    assert described["first"] == (DIED - timedelta(minutes=1)).isoformat()
    json.dumps(described)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("{", "(unreadable, 1 characters)"),
        ("[1]", [1]),
        ('{"locale":"de"}', {"locale": "de"}),
        ("", "(unreadable, 0 characters)"),
    ],
)
def test_data_of_any_shape_can_be_described(data: str, shown: object) -> None:
    assert letter(data=data).described()["data"] == shown


def test_a_letter_of_unknown_beginning_says_nothing_of_it() -> None:
    assert letter(first="").described()["first"] == ""
