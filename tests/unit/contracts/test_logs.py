"""A log line is one JSON object with time, level, service and event, whoever wrote it."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from contracts import logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Put back what a test configures: logging belongs to the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def lines(written: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="mailer")

    structlog.get_logger().info("mail_sent", event_id="019b", attempts=2)

    (line,) = lines(capsys)
    assert line.pop("time").endswith("Z")
    assert line == {
        "service": "mailer",
        "event": "mail_sent",
        "event_id": "019b",
        "attempts": 2,
        "level": "info",
    }


def test_times_are_utc_and_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="mailer")

    structlog.get_logger().info("mail_sent")

    offset = datetime.fromisoformat(lines(capsys)[0]["time"]).utcoffset()
    assert offset is not None
    assert not offset


def test_libraries_write_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")

    logging.getLogger("some.library").warning("took %s s", 3, extra={"event_id": "019b"})

    (line,) = lines(capsys)
    assert (line["service"], line["level"], line["event"]) == ("auth", "warning", "took 3 s")
    assert line["event_id"] == "019b"
    assert not any(name.startswith("_") for name in line)


def test_uvicorns_coloured_twin_of_a_sentence_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")

    logging.getLogger("uvicorn.error").warning("Started", extra={"color_message": "\x1b[36mStarted\x1b[0m"})

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "Started"
    assert "color_message" not in line


def test_what_is_bound_to_the_context_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")
    structlog.contextvars.bind_contextvars(trace_id="0af7651916cd43dd")

    structlog.get_logger().info("challenge_started")
    logging.getLogger("some.library").warning("noticed")

    assert [line["trace_id"] for line in lines(capsys)] == ["0af7651916cd43dd", "0af7651916cd43dd"]


def test_a_line_stays_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")

    structlog.get_logger().warning("name_refused", reason="two\nlines", of=ValueError("odd\nthing"))

    (line,) = lines(capsys)
    assert line["reason"] == "two\nlines"


@pytest.mark.parametrize("name", ["structlog", "logging"])
def test_an_exception_stays_within_its_line(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logs.configure("json", service="auth")
    logger = structlog.get_logger() if name == "structlog" else logging.getLogger("some.library")

    try:
        [].pop()
    except IndexError:
        logger.exception("request_failed")

    (line,) = lines(capsys)
    assert line["event"] == "request_failed"
    assert line["level"] == "error"
    assert "IndexError: pop from empty list" in line["exception"]


def test_who_tells_goes_on_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        logs.configure("json", service="auth")
        structlog.get_logger().info("mail_sent")
        with suppress(BrokenPipeError):
            unread.close()
        structlog.get_logger().info("mail_sent")


def test_a_secret_stays_masked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")

    structlog.get_logger().info("code_made", code=SecretStr("918273"))

    assert "918273" not in capsys.readouterr().out


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth", level=logging.WARNING)

    structlog.get_logger().info("request_answered")
    logging.getLogger("some.library").info("chatter")
    structlog.get_logger().warning("redis_lost")

    assert [line["event"] for line in lines(capsys)] == ["redis_lost"]


@pytest.mark.parametrize("name", logs.QUIET)
def test_libraries_that_tell_of_every_request_tell_only_of_trouble(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    logs.configure("json", service="auth")

    logging.getLogger(name).info("GET /v1/me")
    logging.getLogger(name).warning("trouble")

    assert [line["event"] for line in lines(capsys)] == ["trouble"]


def test_configuring_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")
    logs.configure("json", service="auth")

    structlog.get_logger().info("auth_service_started")

    assert len(lines(capsys)) == 1


def test_people_get_columns_instead(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", service="auth")

    structlog.get_logger().info("mail_sent", attempts=2)

    written = capsys.readouterr().out
    assert "mail_sent" in written
    assert "attempts=2" in written
    assert not written.startswith("{")
    assert "\x1b" not in written  # colours are for terminals


def test_people_see_where_an_exception_came_from_but_no_variable_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("console", service="auth")
    in_memory = SecretStr("zzsecretzz").get_secret_value()

    try:
        [in_memory].remove("another")
    except ValueError:
        structlog.get_logger().exception("request_failed")

    written = capsys.readouterr().out
    assert "ValueError" in written
    assert "zzsecretzz" not in written


def fall(floors: int) -> None:
    if floors:
        fall(floors - 1)
    else:
        raise ValueError("ada@example.org typed 042137") from KeyError("ada@example.org")


def test_a_surprise_is_told_by_its_kind_and_place_and_never_by_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", service="auth")

    with pytest.raises(ValueError, match="typed") as caught:
        fall(0)
    logs.tell_surprise("relay_stumbled", caught.value, log=structlog.get_logger())

    (line,) = lines(capsys)
    assert (line["level"], line["event"], line["error"]) == ("error", "relay_stumbled", "ValueError")
    assert re.fullmatch(rf"{re.escape(__file__)}:[0-9]+ fall", line["frames"][-1])
    assert "ada" not in json.dumps(line).replace(__file__, "")
    assert "042137" not in json.dumps(line)


def test_of_a_deep_surprise_only_the_innermost_frames_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", service="auth")

    with pytest.raises(ValueError, match="typed") as caught:
        fall(50)
    logs.tell_surprise("relay_stumbled", caught.value, log=structlog.get_logger())

    frames = lines(capsys)[0]["frames"]
    assert len(frames) == logs.FRAMES_TOLD
    assert all(frame.endswith(" fall") for frame in frames)
