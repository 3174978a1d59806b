from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from auth_service.outbox.publishing import assemble, oldest_kept
from auth_service.storage.outbox import OutboxRow
from contracts import streams
from contracts.events import OtpRequested
from contracts.registry import UnknownType, UnknownVersion

EVENT = UUID("0198c5f0-0000-7000-8000-000000000001")
USER = UUID("0198c5f0-0000-7000-8000-000000000002")
DATA = {"locale": "en", "recipients": 1, "sealed": "box", "user_id": str(USER), "challenge_id": str(EVENT)}


def _row(**changes: object) -> OutboxRow:
    row = {
        "id": EVENT,
        "stream": "login",
        "type": "porter.auth.otp_requested.v1",
        "subject": str(USER),
        "sequence": 3,
        "occurred_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "expires_at": datetime(2026, 3, 1, 12, 10, tzinfo=UTC),
        "traceparent": None,
        "data": DATA,
    }
    return OutboxRow(**row | changes)  # type: ignore[arg-type]  # a builder's shorthand


def test_a_row_becomes_its_event() -> None:
    event = assemble(_row())
    assert isinstance(event, OtpRequested)
    assert (event.id, event.subject, event.sequence, event.stream) == (EVENT, str(USER), "3", streams.LOGIN)
    assert event.time == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert event.expirytime == datetime(2026, 3, 1, 12, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (_row(type="porter.auth.door_painted.v1"), UnknownType),
        (_row(type="porter.auth.otp_requested.v9"), UnknownVersion),
        (_row(data={}), ValidationError),
        (_row(sequence=-1), ValidationError),
    ],
)
def test_what_is_no_event_is_refused(row: OutboxRow, error: type[Exception]) -> None:
    with pytest.raises(error):
        assemble(row)


def test_a_stream_keeps_what_is_younger_than_its_keep_time_by_the_servers_clock() -> None:
    now = timedelta(seconds=1_772_000_000, microseconds=123_999)
    assert oldest_kept(streams.LOGIN, redis_time=now) == f"{1_772_000_000_123 - 86_400_000}-0"


def test_a_clock_near_zero_trims_nothing() -> None:
    assert oldest_kept(streams.ACCOUNTS, redis_time=timedelta(hours=1)) == "0-0"
