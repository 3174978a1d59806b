"""The least that a service could do to keep something: one INSERT and its commit, on our server and pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from auth_service.serving import run, server
from auth_service.settings import AuthSettings
from auth_service.storage.database import Database
from contracts.environment import load
from contracts.identifiers import new_id


class Asked(BaseModel):
    """What a challenge is asked for with."""

    email: str
    transport: str


def create_app(settings: AuthSettings) -> FastAPI:
    """Make an application with one endpoint, `POST /bare`."""
    database = Database(settings.sqlalchemy_url, connections=settings.postgres_connections)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database.engine.begin() as connection:
            await connection.execute(
                text("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, email text)")
            )
        yield
        await database.close()

    app = FastAPI(lifespan=lifespan)
    insert = text("INSERT INTO bare (id, email) VALUES (:id, :email)")

    @app.post("/bare", status_code=202)
    async def post_bare(asked: Asked) -> dict[str, str]:
        row_id = str(new_id())
        async with database.engine.begin() as connection:
            await connection.execute(insert, {"id": row_id, "email": asked.email})
        return {"id": row_id}

    @app.get("/readyz")
    async def get_ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    """Serve it where the settings say."""
    settings = load(AuthSettings)
    run([(server(create_app(settings), lifespan=True), settings.host, settings.port)])


if __name__ == "__main__":
    main()
