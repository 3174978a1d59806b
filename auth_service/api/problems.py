"""Problem details (RFC 9457): every answer that is an error has this one shape.

The table below is the only place where a code meets a status and a title.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """What all problems of one code share."""

    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "invalid_json": Kind(400, "The body is not JSON"),
    "invalid_code": Kind(400, "The code is wrong"),
    "unauthenticated": Kind(401, "You are not signed in"),
    "forbidden": Kind(403, "You may not do this"),
    "origin_refused": Kind(403, "The request comes from elsewhere"),
    "account_pending": Kind(403, "Your account waits for approval"),
    "account_rejected": Kind(403, "Your account was not approved"),
    "account_suspended": Kind(403, "Your account is suspended"),
    "not_found": Kind(404, "There is nothing here"),
    "user_not_found": Kind(404, "There is no such user"),
    "session_not_found": Kind(404, "There is no such session"),
    "method_not_allowed": Kind(405, "This cannot be done here"),
    "transition_not_allowed": Kind(409, "The account cannot change so"),
    "last_administrator": Kind(409, "The last administrator stays one"),
    "link_elsewhere": Kind(409, "The link was asked for elsewhere"),
    "challenge_closed": Kind(410, "The challenge is closed"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body must be JSON"),
    "invalid_request": Kind(422, "The request is not valid"),
    "resend_too_soon": Kind(429, "A mail is on its way already"),
    "rate_limited": Kind(429, "That was too often"),
    "internal_error": Kind(500, "Something went wrong here"),
    "unavailable": Kind(503, "Try again in a moment"),
}


class Problem(Exception):
    """An answer that is an error. `detail` tells people what to do and repeats nothing they sent.

    `set_cookies` are values of `Set-Cookie`, each a header of its own (RFC 6265, section 3).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        set_cookies: Sequence[str] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.extra = extra or {}
        self.headers = headers or {}
        self.set_cookies = set_cookies

    def response(self, *, trace_id: str) -> JSONResponse:
        """Write it as `application/problem+json`."""
        kind = KINDS[self.code]
        body = {
            "type": f"urn:porter:problem:{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "code": self.code,
            "trace_id": trace_id,
        }
        answer = JSONResponse(
            {**body, **self.extra},
            status_code=kind.status,
            headers=dict(self.headers),
            media_type=MEDIA_TYPE,
        )
        for cookie in self.set_cookies:
            answer.headers.append("Set-Cookie", cookie)
        return answer


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemBody(BaseModel):
    """Problem details (RFC 9457), as the OpenAPI document describes them."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:porter:problem:invalid_request"])
    title: str
    status: int
    detail: str = Field(description="What to do about it, in a sentence that can be shown.")
    code: str = Field(description="Stable; decide by this.")
    trace_id: str = Field(description="Leads to the log lines of this request.")
    errors: list[FieldProblem] | None = Field(default=None, description="One for each wrong field.")
    attempts_left: int | None = Field(default=None, description="With invalid_code.")
    masked_address: str | None = Field(
        default=None, description="With link_elsewhere: whose link it is, as far as may be shown."
    )
    limit: str | None = Field(default=None, description="With rate_limited: the limit's name.")


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Describe, for the OpenAPI document, the problems that a call may answer with."""
    by_status: dict[int | str, list[str]] = {}
    for code in codes:
        by_status.setdefault(KINDS[code].status, []).append(code)
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    return {
        status: {"description": ", ".join(found), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, found in by_status.items()
    }
