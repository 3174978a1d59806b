"""Log lines that both services write: JSON for machines or coloured columns for people, to stdout.

An event's name is past-tense snake_case (`mail_sent`) and its facts are fields. Never an address, a code,
a link or a token: `event_id` and `trace_id` lead to whoever may know more.
"""

import logging
import sys
import traceback
from contextlib import suppress
from functools import partial
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

QUIET = ("uvicorn.access", "uvicorn.error", "alembic", "httpx", "aiosmtplib", "sqlalchemy.engine.Engine")
"""Libraries whose small talk is no fact of ours; from a warning on they are heard."""

FRAMES_TOLD: Final = 8


class _Lines:
    """Writes lines to `file`. One that cannot be written is lost, and what was told goes on all the same."""

    def __init__(self, file: TextIO, *_names: str) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        """Write a line."""
        with suppress(OSError, ValueError):  # nobody reads any more, or it was closed
            self._file.write(f"{line}\n")
            self._file.flush()

    log = debug = info = warn = warning = err = error = exception = critical = fatal = failure = msg


def tell_surprise(event: str, fault: BaseException, *, log: FilteringBoundLogger) -> None:
    """Log a fault that nobody expected: what it was, and the innermost frames of where it happened.

    Never its message, nor that of its cause: either may quote a row, an address, or what people typed.
    """
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES_TOLD:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error(event, error=type(fault).__name__, frames=places)


def configure(log_format: Literal["json", "console"], *, service: str, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's lines through one renderer."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if log_format == "json":
        shared.append(structlog.processors.format_exc_info)
        renderer: Processor = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            pad_event_to=24,
            exception_formatter=structlog.dev.plain_traceback,  # the richer ones show locals, secrets too
        )

    def name_service(_: object, __: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
        fields.pop("color_message", None)  # uvicorn's sentence again, in colours
        return {"service": service, **fields} if log_format == "json" else fields

    # Not by way of the standard library's records: each line would be made twice.
    structlog.configure(
        processors=[*shared, name_service, renderer],
        logger_factory=partial(_Lines, sys.stdout),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_service,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
