"""The page to read mails with: a list that renews itself, and one mail as text and as HTML."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from devstack.inbox.mailbox import MAILS_MAX, Mailbox

SHOWN_MAX: Final = 200
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'"
)
MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:"
)
"""A mail runs no script here; its links open in a new window."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def routes(mailbox: Mailbox) -> list[Route]:
    """Give the page's routes over `mailbox`."""

    async def overview(request: Request) -> Response:
        del request
        mails = [mail for mail, _ in zip(mailbox.newest_first(), range(SHOWN_MAX), strict=False)]
        return _page("list.html", mails=mails, total=len(mailbox), mails_max=MAILS_MAX)

    async def view(request: Request) -> Response:
        mail = mailbox.get(request.path_params["id"])
        if mail is None:
            return _page("gone.html", status=404)
        return _page("mail.html", mail=mail, text=mail.body("plain"), has_html=bool(mail.body("html")))

    async def html(request: Request) -> Response:
        mail = mailbox.get(request.path_params["id"])
        body = mail.body("html") if mail else ""
        headers = {"Content-Security-Policy": MAIL_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(f'<base target="_blank">{body}', headers=headers)

    async def forget(request: Request) -> Response:
        del request
        mailbox.clear()
        return RedirectResponse("/", 303)

    return [
        Route("/", overview, methods=["GET"]),
        Route("/forget", forget, methods=["POST"]),
        Route("/view/{id}.html", html, methods=["GET"]),
        Route("/view/{id}", view, methods=["GET"]),
    ]


def _page(name: str, *, status: int = 200, **shown: object) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(_templates.get_template(name).render(shown), status, headers=headers)
