from structlog.testing import capture_logs

from auth_service.outbox.links import Link


def test_an_outage_is_two_lines_however_long_it_lasts() -> None:
    link = Link("redis")
    with capture_logs() as lines:
        link.found()
        for _ in range(5):
            link.lost(ConnectionError("redis://user:secret@host"))
        link.found()
        link.found()
    assert [line["event"] for line in lines] == ["redis_lost", "redis_found"]
    assert lines[0]["error"] == "ConnectionError"
    assert "secret" not in str(lines)
    assert lines[1]["failures"] == 5
