"""The web applications: the public one, and the internal one for probes and metrics."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_service.api import address_change, administration, decisions, forward_auth, login, me, sessions
from auth_service.api.body_limit import BodyLimit
from auth_service.api.faults import answer_faults
from auth_service.api.origins import JsonOnly
from auth_service.api.problems import ProblemBody
from auth_service.api.record import RequestRecord
from auth_service.pages.routes import page_routes
from auth_service.wiring import Parts

UNTOLD: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own telemetry, which tells paths and exceptions' words: spans and metrics here are our own."""


def create_app(parts: Parts, *, relaying: bool) -> FastAPI:
    """Make the public application. Its lifespan runs what `parts` runs beside it, and closes them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with parts.open(relaying=relaying, appointing=True):
            yield

    app = FastAPI(
        title="Porter",
        summary="Login without passwords",
        version=version("porter"),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry=UNTOLD,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        routes=[*parts.health.routes(), *page_routes(parts.door)],
    )
    app.state.door = parts.door
    for part in (login, forward_auth, sessions, me, address_change, administration, decisions):
        app.include_router(part.router, dependencies=[JsonOnly])
    answer_faults(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestRecord, metrics=parts.door.metrics)
    _describe_problems(app)
    return app


def create_internal_app(parts: Parts) -> Starlette:
    """Make the application for probes and for Prometheus; it is not for the public."""
    # When each series began is nothing that anybody asks, and would be as many series again.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def metrics(_: Request) -> Response:
        await parts.scrape_look.look()
        return Response(generate_latest(parts.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[*parts.health.routes(), Route("/metrics", metrics)])


def create_relay_app(parts: Parts) -> Starlette:
    """Make the internal application of a process that only relays: its lifespan runs the relay."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parts.open(relaying=True):
            yield

    app = create_internal_app(parts)
    app.router.lifespan_context = lifespan
    return app


def _operation_id(route: APIRoute) -> str:
    """Name a call as its endpoint is named: generated clients call their functions so."""
    return f"{route.name}_head" if route.methods == {"HEAD"} else route.name


def _describe_problems(app: FastAPI) -> None:
    """Put the schema of problems into the OpenAPI document, where all calls refer to it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
            parts: Mapping[str, Any] = schema.pop("$defs", {})
            app.openapi_schema["components"]["schemas"] |= {"ProblemBody": schema, **parts}
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it
