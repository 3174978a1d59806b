"""The cookies: who is signed in here, which browser a challenge belongs to, and who signed in here before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from auth_service.model.tokens import is_token

DEVICE_LIFE: Final = timedelta(days=400)
"""As long as browsers keep any cookie (RFC 6265bis, section 5.5)."""

ACCESS: Final = "__Secure-porter_access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Names and lives of the cookies.

    `__Host-` (RFC 6265bis) keeps other hosts and plain http from setting them. Browsers demand TLS for that,
    so on http://localhost, `secure=False`, they go without. With `domain`, applications under it are sent a
    cookie of their own, which `sessions/verify` accepts and nothing else.
    """

    secure: bool
    session_life: timedelta
    binding_life: timedelta
    domain: str | None = None

    @property
    def session(self) -> str:
        """Name of the cookie that holds the session's token."""
        return self._name("porter_session")

    @property
    def binding(self) -> str:
        """Name of the cookie that ties challenges to a browser."""
        return self._name("porter_binding")

    @property
    def device(self) -> str:
        """Name of the cookie by which accounts know a browser again, signed in or not."""
        return self._name("porter_device")

    def read_device(self, request: Request) -> str | None:
        """Give what accounts know this browser by, if it sent it."""
        found = request.cookies.get(self.device)
        return found if is_token(found) else None

    def read_access(self, request: Request) -> str | None:
        """Give the token for protected applications, if the browser sent it."""
        found = request.cookies.get(ACCESS)
        return found if self.domain is not None and is_token(found) else None

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

    def set_device(self, response: Response, device: str) -> None:
        """Give the browser what accounts know it by."""
        self._set(response, self.device, device, life=DEVICE_LIFE)

    def set_session(self, response: Response, token: str, *, access: str | None) -> None:
        """Sign the browser in, and in at the applications under `domain` by the token `access`."""
        self._set(response, self.session, token, life=self.session_life)
        if access is not None and self.domain is not None:
            self._set(response, ACCESS, access, life=self.session_life, domain=self.domain)

    def forgetting(self, request: Request) -> Sequence[str]:
        """Give what has a browser forget its session, cookie by cookie, if it sent any."""
        if self.session not in request.cookies:
            return ()
        response = Response()
        self.delete_session(response)
        return response.headers.getlist("set-cookie")

    def delete_session(self, response: Response) -> None:
        """Have the browser forget its session."""
        response.delete_cookie(self.session, path="/", secure=self.secure, httponly=True, samesite="lax")
        if self.domain is not None:
            response.delete_cookie(
                ACCESS, path="/", domain=self.domain, secure=True, httponly=True, samesite="lax"
            )

    def _set(
        self, response: Response, name: str, value: str, *, life: timedelta, domain: str | None = None
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(life.total_seconds()),
            path="/",
            domain=domain,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name
