"""Celery on Redis, in threads: it is not asynchronous, so each thread keeps an smtplib connection.

python -m celery -A tests.benchmarks.drain.workers.celery_worker worker …

`task_acks_late` acknowledges last, and `visibility_timeout` gives back what a dead worker held; Celery looks
for that every 10 s. Results are not kept, and workers do not talk to each other.
"""

import asyncio
import smtplib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from celery import Celery

from tests.benchmarks.drain.workers.letter import SENDER, Letter
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings

SETTINGS = Settings.read()
LETTER = Letter.read(SETTINGS.letter)

app = Celery("drain", broker=SETTINGS.redis_url)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": SETTINGS.silence_seconds},
)

_mine = threading.local()


def send(address: str, name: str, code: str) -> None:
    """Send one mail over this thread's own connection."""
    raw = LETTER.message(address=address, name=name, code=code)
    connection: smtplib.SMTP | None = getattr(_mine, "connection", None)
    if connection is None:
        connection = _mine.connection = smtplib.SMTP("127.0.0.1", SETTINGS.smtp_port)
    try:
        connection.sendmail(SENDER, [address], raw)
    except smtplib.SMTPException:
        _mine.connection = None
        raise


job = app.task(name="send")(send)


@asynccontextmanager
async def publishing(_: Settings) -> AsyncIterator[Put]:
    """Lend what enqueues a job: Celery's client blocks, so a thread calls it."""

    async def put(facts: Facts) -> None:
        await asyncio.to_thread(job.apply_async, kwargs=facts)

    yield put
