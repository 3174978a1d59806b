"""From what is raised to what is answered."""

from collections.abc import Mapping
from typing import Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from auth_service.api.callers import caller_of
from auth_service.api.door import Door
from auth_service.api.identity import administrators_only, note_refused_use, unauthenticated
from auth_service.api.methods import allowed_methods
from auth_service.api.problems import Problem
from auth_service.api.traces import trace_of
from auth_service.api.validation import problem_of
from auth_service.model.actors import ActorRefused, NoAdministrator
from auth_service.model.users import LastAdministrator, TransitionNotAllowed, UserUnknown
from auth_service.storage.faults import NotMigrated, PostgresAway

log = structlog.get_logger()

RETRY_AFTER_SECONDS: Final = 2
NOT_ALLOWED: Final = 405

# What the framework itself answers with.
_BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_json", "The body cannot be read as JSON."),
    404: ("not_found", "Nothing is found under this address."),
    405: ("method_not_allowed", "The header 'Allow' tells what can be done here."),
}


def answer_faults(app: FastAPI) -> None:
    """Have `app` answer every expected fault with problem details; surprises are `RequestRecord`'s."""

    @app.exception_handler(Problem)
    async def _(request: Request, problem: Problem) -> JSONResponse:
        return problem.response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, invalid: RequestValidationError) -> JSONResponse:
        return problem_of(invalid).response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(HTTPException)
    async def _(request: Request, fault: HTTPException) -> JSONResponse:
        known = _BY_STATUS.get(fault.status_code)
        if known is None:
            raise fault
        allow = {"Allow": allowed_methods(request)} if fault.status_code == NOT_ALLOWED else {}
        problem = Problem(*known, headers={**(fault.headers or {}), **allow})
        return problem.response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(PostgresAway)
    async def _(request: Request, fault: PostgresAway) -> JSONResponse:
        return _away(fault).response(trace_id=trace_of(request).trace_id)

    _answer_refusals(app)


def _answer_refusals(app: FastAPI) -> None:
    """Have `app` answer what the rules about accounts do not allow."""

    @app.exception_handler(ActorRefused)
    async def _(request: Request, refused: ActorRefused) -> JSONResponse:
        try:
            problem = await _rights_lost(request, refused)
        except PostgresAway as away:
            problem = _away(away)
        return problem.response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(UserUnknown)
    async def _(request: Request, _: UserUnknown) -> JSONResponse:
        problem = Problem("user_not_found", "No user has this id.")
        return problem.response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(LastAdministrator)
    async def _(request: Request, _: LastAdministrator) -> JSONResponse:
        detail = "Make someone else an administrator first: without any, nobody could let people in."
        return Problem("last_administrator", detail).response(trace_id=trace_of(request).trace_id)

    @app.exception_handler(TransitionNotAllowed)
    async def _(request: Request, fault: TransitionNotAllowed) -> JSONResponse:
        sentence = str(fault)
        problem = Problem("transition_not_allowed", f"{sentence[0].upper()}{sentence[1:]}.")
        return problem.response(trace_id=trace_of(request).trace_id)


def _away(fault: PostgresAway) -> Problem:
    if isinstance(fault, NotMigrated):
        log.warning("postgres_not_migrated", mend=fault.mend)
    else:
        log.warning("postgres_away", error=str(fault))
    return Problem(
        "unavailable",
        "The service cannot reach its database. Try again in a moment.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


async def _rights_lost(request: Request, refused: ActorRefused) -> Problem:
    """Note who lost their rights between being let in and the deed, and answer as to the next request."""
    door: Door = request.app.state.door
    match refused:
        case NoAdministrator():
            problem = administrators_only()
        case _:
            problem = unauthenticated(request, door)
    await note_refused_use(request, door, caller_of(request, door), by=refused.user_id, reason=problem.code)
    return problem
