"""What the pages' plain forms do, for browsers without scripts: as the JSON calls, and told as a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from auth_service.api import signing_in
from auth_service.api.callers import caller_of
from auth_service.api.door import Door
from auth_service.api.origins import refuse_foreign
from auth_service.api.problems import KINDS, Problem
from auth_service.api.sessions import delete_current_session
from auth_service.api.signing_in import Asked
from auth_service.api.visitors import browser_of
from auth_service.model.addresses import canonical_address
from auth_service.model.codes import typed_code
from auth_service.model.names import person_name
from auth_service.model.rules import Method
from auth_service.pages.forms import Form, read_form
from auth_service.pages.looks import HOME, RETRY_AFTER, Looks
from auth_service.pages.sentences import sentence_of
from auth_service.storage.faults import PostgresAway

METHODS: Final[tuple[Method, ...]] = ("otp", "magic_link", "otp_and_link")
OVER: Final = frozenset({"challenge_closed", "account_rejected", "account_suspended"})
"""Problems after which the challenge answers nothing more: one begins again."""


@dataclass(frozen=True)
class Deeds:
    """The pages, as they answer POST. Nothing is done for a form that is not our own."""

    door: Door
    looks: Looks

    async def login(self, request: Request) -> Response:
        """Mail a code or link to an address, and ask for the code."""
        return await self._ask(request, registering=False)

    async def register(self, request: Request) -> Response:
        """Take a registration, and ask for the code."""
        return await self._ask(request, registering=True)

    async def code(self, request: Request) -> Response:
        """Sign in by a code, and lead on."""
        form = Form()
        try:
            visitor = browser_of(request, self.door)
            form = await read_form(request)
            entry = await signing_in.answer_with_code(
                _challenge_of(form),
                _checked("code", form, typed_code),
                visitor=visitor,
                door=self.door,
                caller=caller_of(request, self.door),
            )
        except (Problem, PostgresAway) as fault:
            return self._refused(request, form, _problem_of(fault), view="code")
        response = self.looks.lead(self.looks.return_to(form.text("return_to")) or HOME)
        entry.keep(response, self.door)
        return response

    async def logout(self, request: Request) -> Response:
        """Sign out here."""
        response = self.looks.lead("/login")
        try:
            refuse_foreign(request, self.door)
            caller = caller_of(request, self.door)
            await delete_current_session(request, response, self.door, caller)
        except Problem as problem:
            if problem.code != "unauthenticated":
                return self.looks.lead(HOME)
            self.door.cookies.delete_session(response)  # it had ended already: that is as good
        except PostgresAway:
            return self.looks.away(request)
        return response

    async def _ask(self, request: Request, *, registering: bool) -> Response:
        form = Form()
        try:
            visitor = browser_of(request, self.door)
            form = await read_form(request)
            caller = caller_of(request, self.door)
            if registering:
                name = _checked("name", form, person_name)
                asked = await signing_in.register(
                    _checked("email", form, canonical_address),
                    name=name,
                    locale=self.looks.renderer.language(request, None),
                    visitor=visitor,
                    door=self.door,
                    caller=caller,
                )
            else:
                email = _checked("email", form, canonical_address)
                asked = await signing_in.ask(email, visitor=visitor, door=self.door, caller=caller)
        except (Problem, PostgresAway) as fault:
            return self._refused(request, form, _problem_of(fault), view="start", registering=registering)
        return self._asked(request, form, asked, registering=registering)

    def _asked(self, request: Request, form: Form, asked: Asked, *, registering: bool) -> Response:
        response = self.looks.entrance(
            request,
            registering=registering,
            return_to=self.looks.return_to(form.text("return_to")),
            view="code",
            challenge=str(asked.challenge.id),
            method=asked.challenge.method,
            email=form.text("email").strip(),
        )
        asked.keep(response, self.door)
        return response

    def _refused(
        self, request: Request, form: Form, problem: Problem, *, view: str, registering: bool | None = None
    ) -> Response:
        """Show the form again, with what is wrong; or what has come about, where the code was right."""
        language = self.looks.renderer.language(request, None)
        translations = self.looks.renderer.catalogues[language].translations
        wrong = problem.extra.get("errors") or [{"field": "code" if problem.code == "invalid_code" else ""}]
        if problem.code == "account_pending":
            view = "waiting"
        elif problem.code in OVER or problem.extra.get("attempts_left") == 0:
            view = "start"
        return self.looks.entrance(
            request,
            registering=form.text("registering") == "yes" if registering is None else registering,
            status=KINDS[problem.code].status,
            return_to=self.looks.return_to(form.text("return_to")),
            view=view,
            challenge=form.text("challenge"),
            method=form.text("method") if form.text("method") in METHODS else "otp",
            email=form.text("email").strip(),
            name=form.text("name"),
            sentence=sentence_of(problem, translations=translations),
            field=wrong[0]["field"],
            headers=problem.headers,
        )


def _checked(name: str, form: Form, rule: Callable[[str], str]) -> str:
    try:
        return rule(form.text(name))
    except ValueError as wrong:
        errors = [{"field": name, "message": str(wrong)}]
        raise Problem("invalid_request", f"{name}: {wrong}", extra={"errors": errors}) from None


def _challenge_of(form: Form) -> UUID:
    try:
        return UUID(form.text("challenge"))
    except ValueError:
        raise Problem("challenge_closed", "This code belongs to nothing. Ask for a new one.") from None


def _problem_of(fault: Problem | PostgresAway) -> Problem:
    if isinstance(fault, Problem):
        return fault
    detail = "The service cannot reach its database. Try again in a moment."
    return Problem("unavailable", detail, headers=RETRY_AFTER)
