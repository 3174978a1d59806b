"""A login service without outbox and stream: the request itself keeps a row and sends the mail.

`python -m tests.benchmarks.direct_app`: one INSERT and its commit on our pool, then the same mail, made by
the same renderer and handed to the same server by the same SMTP pool; the answer comes after its 250.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from auth_service.settings import AuthSettings
from auth_service.storage.database import Database
from contracts.environment import load
from mailer_service.mailing.handover import HandedOver, hand_over
from mailer_service.mailing.letters import open_letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer, message_id
from mailer_service.mailing.smtp_connection import Envelope
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.benchmarks.bare_app import Asked
from tests.chaos.events import SEALER, a_code

DEADLINE_SECONDS = 20.0
SENDER = Mailbox.parse("Porter <porter@example.org>")


def create_app(settings: AuthSettings, *, smtp_url: str) -> FastAPI:
    """Make an application with one endpoint, `POST /direct`."""
    database = Database(settings.sqlalchemy_url, connections=settings.postgres_connections)
    pool = SmtpPool(SmtpUrl.parse(smtp_url))
    renderer = Renderer(sender=SENDER, public_url="https://login.example.org")
    renderer.prepare()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database.engine.begin() as connection:
            await connection.execute(text("CREATE TABLE direct (id uuid PRIMARY KEY, email text)"))
        yield
        pool.close()
        await database.close()

    app = FastAPI(lifespan=lifespan)
    insert = text("INSERT INTO direct (id, email) VALUES (:id, :email)")

    @app.post("/direct", status_code=202)
    async def post_direct(asked: Asked) -> dict[str, str]:
        event = a_code(asked.email)
        async with database.engine.begin() as connection:
            await connection.execute(insert, {"id": str(event.id), "email": asked.email})
        letter = open_letter(event, position=0, sealer=SEALER)
        identity = message_id(event.id, letter.recipient, domain=SENDER.domain)
        sent = await hand_over(
            lambda smtp: renderer.render(
                letter, message_id=identity, written_at=event.time, eight_bit=smtp.eight_bit
            ),
            envelope=Envelope(SENDER.address, letter.recipient.address),
            pool=pool,
            may_begin=lambda: True,
            begin_data=lambda: True,
            until=asyncio.get_running_loop().time() + DEADLINE_SECONDS,
            secrets=letter.secrets,
        )
        assert isinstance(sent, HandedOver), sent
        return {"id": str(event.id)}

    @app.get("/readyz")
    async def get_ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    """Serve it where the settings say, with the mail server that `MAILER_SMTP_URL` names."""
    settings = load(AuthSettings)
    app = create_app(settings, smtp_url=os.environ["MAILER_SMTP_URL"])
    # asyncio's own loop, as the mailer has it: its SMTP dialogue is written for that.
    uvicorn.run(
        app, host=settings.host, port=settings.port, loop="asyncio", log_config=None, access_log=False
    )


if __name__ == "__main__":
    main()
