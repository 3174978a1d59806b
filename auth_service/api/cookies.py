"""The cookies: who is signed in here, and which browser a challenge belongs to."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from auth_service.model.tokens import is_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Names and lives of the cookies.

    `__Host-` (RFC 6265bis) keeps other hosts and plain http from setting them. Browsers demand TLS for that,
    so on http://localhost, `secure=False`, they go without.
    """

    secure: bool
    session_life: timedelta
    binding_life: timedelta

    @property
    def session(self) -> str:
        """Name of the cookie that holds the session's token."""
        return self._name("porter_session")

    @property
    def binding(self) -> str:
        """Name of the cookie that ties challenges to a browser."""
        return self._name("porter_binding")

    def read_binding(self, request: Request) -> str | None:
        """Give the browser's binding, if it sent one."""
        found = request.cookies.get(self.binding)
        return found if is_token(found) else None

    def read_session(self, request: Request) -> str | None:
        """Give the browser's session token, if it sent one."""
        found = request.cookies.get(self.session)
        return found if is_token(found) else None

    def set_binding(self, response: Response, binding: str) -> None:
        """Give the browser its binding."""
        self._set(response, self.binding, binding, life=self.binding_life)

    def set_session(self, response: Response, token: str) -> None:
        """Sign the browser in."""
        self._set(response, self.session, token, life=self.session_life)

    def forgetting(self, request: Request) -> dict[str, str]:
        """Give the header that has a browser forget its session, for an answer to one that sent any."""
        if self.session not in request.cookies:
            return {}
        response = Response()
        self.delete_session(response)
        return {"Set-Cookie": response.headers["set-cookie"]}

    def delete_session(self, response: Response) -> None:
        """Have the browser forget its session."""
        response.delete_cookie(self.session, path="/", secure=self.secure, httponly=True, samesite="lax")

    def _set(self, response: Response, name: str, value: str, *, life: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(life.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name
